/**
 * Lets so many in at a time, in the order in which they came.
 *
 * postgres.js 3.4.9 has two faults when more is asked of it than it has connections. It puts a BEGIN behind what others
 * send on a connection, and when that is much it takes the connection for theirs: the transaction fails with
 * UNSAFE_TRANSACTION, seen with thousands of nodes at once. And a pool that is given up while statements wait in it connects
 * again for them, and those connections stay for ever. So nothing waits in the driver: it waits here.
 */
export interface Gate {
  enter<T>(work: () => Promise<T>): Promise<T>;
}

export function createGate(most: number): Gate {
  const waiting: (() => void)[] = [];
  let free = most;
  return {
    async enter(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
