import { HaubanError } from '@hauban/shared/errors';

/**
 * Natural batching: an item that comes while nothing is written is written at once; what comes meanwhile is written
 * together next. So one receipt waits for nobody, and a storm of them needs few commits.
 */
export interface BatchWriter<T, R> {
  /** Fulfilled after the commit that holds the item. */
  write(item: T): Promise<R>;
}

interface Entry<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

const isAway = (error: unknown): boolean => error instanceof HaubanError && error.code === 'DATABASE';

/** @param store writes all of them in one transaction and gives one result each, in order */
export function createBatchWriter<T, R>(
  store: (items: readonly T[]) => Promise<readonly R[]>,
  mostAtOnce: number,
): BatchWriter<T, R> {
  let waiting: Entry<T, R>[] = [];
  let isWriting = false;

  const writeOne = async (entry: Entry<T, R>): Promise<void> => {
    try {
      const [result] = await store([entry.item]);
      entry.resolve(result as R);
    } catch (error) {
      entry.reject(error);
    }
  };

  const run = async (): Promise<void> => {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, mostAtOnce);
      waiting = waiting.slice(mostAtOnce);
      try {
        const results = await store(batch.map(({ item }) => item));
        for (const [index, entry] of batch.entries()) entry.resolve(results[index] as R);
      } catch (error) {
        // Without a database none can be stored, and each by itself would only make the next ones wait.
        if (isAway(error)) for (const entry of batch) entry.reject(error);
        // One that cannot be stored must not take the others with it: each by itself, each with its own error.
        else for (const entry of batch) await writeOne(entry);
      }
    }
    isWriting = false;
  };

  return {
    write: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!isWriting) void run();
      }),
  };
}
