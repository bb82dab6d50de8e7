/** States of orders as a run counts them, in words, worst first. */
const WORDS: readonly (readonly [state: string, word: string])[] = [
  ['undetermined', 'not known'],
  ['undo-undetermined', 'undo not known'],
  ['undo-failed', 'undo failed'],
  ['undo-refused', 'undo refused'],
  ['undo-expired', 'undo expired'],
  ['failed', 'failed'],
  ['harmed', 'unhealthy afterwards'],
  ['refused', 'refused'],
  ['expired', 'expired'],
  ['started', 'working'],
  ['undo-started', 'being undone'],
  ['delivered', 'delivered'],
  ['leased', 'sending'],
  ['queued', 'queued'],
  ['waiting', 'waiting'],
  ['cancelled', 'cancelled'],
  ['superseded', 'replaced'],
  ['undo-succeeded', 'undone'],
  ['undo-unchanged', 'nothing to undo'],
  ['succeeded', 'done'],
  ['unchanged', 'nothing to do'],
];
const KNOWN = new Map(WORDS);
const OPEN: ReadonlySet<string> = new Set(['waiting', 'queued', 'leased', 'delivered', 'started']);

/** No news come of it any more. */
export const isOver = (state: string): boolean => !OPEN.has(state.replace(/^undo-/, ''));

/** `2 failed, 35 done` */
export function countsText(counts: Readonly<Record<string, number>>): string {
  const order = WORDS.map(([state]) => state);
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([state, count]) => `${count} ${KNOWN.get(state) ?? state.replace('undo-', 'undo ')}`)
    .join(', ');
}
