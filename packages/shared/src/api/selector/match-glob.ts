/** `*`: any number of characters, `?`: one. Whole text, without case. Goes back to the last star only: no blow-up. */
export function matchGlob(text: string, pattern: string): boolean {
  const [value, wanted] = [[...text.toLowerCase()], [...pattern.toLowerCase()]];
  let at = 0;
  let want = 0;
  let star: { readonly want: number; at: number } | null = null;
  while (at < value.length) {
    if (wanted[want] === '*') {
      star = { want, at };
      want += 1;
    } else if (wanted[want] === '?' || wanted[want] === value[at]) {
      at += 1;
      want += 1;
    } else if (star !== null) {
      star.at += 1;
      at = star.at;
      want = star.want + 1;
    } else return false;
  }
  while (wanted[want] === '*') want += 1;
  return want === wanted.length;
}
