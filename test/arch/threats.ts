/** One claim of docs/threats.md and the test that is named for it. */
export interface Claim {
  readonly claim: string;
  readonly file: string;
  /** Words of the test's title. */
  readonly words: string;
}

const ROW = /^\| (?<claim>[^|]+) \| `(?<file>[^`]+)`: (?<words>[^|]+) \|$/;

/** Rows of the page's tables, and the lines of them that could not be read. */
export function parseClaims(page: string): { readonly claims: readonly Claim[]; readonly unread: readonly string[] } {
  const claims: Claim[] = [];
  const unread: string[] = [];
  for (const line of page.split('\n').filter((text) => text.startsWith('|') && !/^\| (?:---|must not)/.test(text))) {
    const groups = ROW.exec(line)?.groups;
    if (groups === undefined) unread.push(line);
    else
      claims.push({
        claim: groups['claim'] ?? '',
        file: groups['file'] ?? '',
        words: (groups['words'] ?? '').trim(),
      });
  }
  return { claims, unread };
}

/** What is wrong: a test that is not there proves nothing. @param load text of a file, null when there is none */
export function checkClaims(page: string, load: (file: string) => string | null): string[] {
  const { claims, unread } = parseClaims(page);
  const missing = claims.flatMap(({ claim, file, words }) => {
    const text = load(file);
    if (text === null) return [`"${claim}": there is no ${file}`];
    // A title stands after a quote or a template's, on one line.
    const isThere = text.split('\n').some((line) => /['`]/.test(line) && line.includes(words));
    return isThere ? [] : [`"${claim}": ${file} has no test named "${words}"`];
  });
  return [...unread.map((line) => `not a claim with its test: ${line}`), ...missing];
}
