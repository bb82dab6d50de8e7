/** What was asked for; everything else goes to standard error. */
export const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Ready, in words for a program: a line on standard output, and a message when a parent listens. */
export function tellReady(fields: object): void {
  const message = { ready: true, ...fields };
  say(JSON.stringify(message));
  process.send?.(message);
}
