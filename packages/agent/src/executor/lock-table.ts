/**
 * Locks by name on this node. A request takes all its names at once or waits, so nothing can deadlock; no request
 * overtakes an earlier one that wants one of the same names, so nothing starves. Requests without a name in common run
 * side by side.
 */
export interface LockTable {
  /**
   * @param signal gives up waiting; a request that has its locks is not touched by it
   * @returns the release, to be called once, or null when the wait was given up
   */
  acquire(names: readonly string[], owner: string, signal: AbortSignal): Promise<(() => void) | null>;
  /** Who holds a name now, or null. */
  holder(name: string): string | null;
}

interface Waiting {
  readonly names: readonly string[];
  readonly owner: string;
  readonly grant: (release: (() => void) | null) => void;
}

export function createLockTable(): LockTable {
  const held = new Map<string, string>();
  let queue: Waiting[] = [];

  const grantWhatMay = (): void => {
    const spokenFor = new Set(held.keys());
    const granted: Waiting[] = [];
    for (const waiting of queue) {
      if (waiting.names.every((name) => !spokenFor.has(name))) granted.push(waiting);
      for (const name of waiting.names) spokenFor.add(name);
    }
    queue = queue.filter((waiting) => !granted.includes(waiting));
    for (const { names, owner } of granted) for (const name of names) held.set(name, owner);
    for (const { names, grant } of granted) grant(releaseOnce(names));
  };

  const releaseOnce = (names: readonly string[]): (() => void) => {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const name of names) held.delete(name);
      grantWhatMay();
    };
  };

  return {
    holder: (name) => held.get(name) ?? null,
    acquire: (names, owner, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(null);
        const giveUp = (): void => {
          queue = queue.filter((other) => other !== waiting);
          grantWhatMay();
          resolve(null);
        };
        const waiting: Waiting = {
          names: [...new Set(names)].sort(),
          owner,
          grant: (release) => {
            signal.removeEventListener('abort', giveUp);
            resolve(release);
          },
        };
        signal.addEventListener('abort', giveUp, { once: true });
        queue.push(waiting);
        return grantWhatMay();
      }),
  };
}
