/** As many as an argument list takes without a thought. */
const MOST_AT_ONCE = 500;

interface Waiting<T> {
  readonly resolve: (answer: T | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Questions that are asked in the same turn of the event loop become one: a program is started once for all of them.
 * The answer for a key that `ask` leaves out is null. Nothing is remembered: the next question is asked anew.
 */
export function gatherQuestions<T>(
  ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | null> {
  let gathered = new Map<string, Waiting<T>[]>();
  const send = async (asked: ReadonlyMap<string, readonly Waiting<T>[]>): Promise<void> => {
    try {
      const answers = await ask([...asked.keys()]);
      for (const [key, all] of asked) for (const { resolve } of all) resolve(answers.get(key) ?? null);
    } catch (error) {
      for (const all of asked.values()) for (const { reject } of all) reject(error);
    }
  };
  const flush = (): void => {
    const asked = gathered;
    gathered = new Map();
    if (asked.size > 0) void send(asked);
  };
  return (key) =>
    new Promise((resolve, reject) => {
      if (gathered.size >= MOST_AT_ONCE && !gathered.has(key)) flush();
      if (gathered.size === 0) setImmediate(flush);
      gathered.set(key, [...(gathered.get(key) ?? []), { resolve, reject }]);
    });
}
