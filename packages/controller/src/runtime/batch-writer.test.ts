import { HaubanError } from '@hauban/shared/errors';
import { describe, expect, it } from 'vitest';
import { createBatchWriter } from './batch-writer.ts';

/** A store that keeps its batches, and may fail. */
function recorded(failOf: (batch: readonly number[]) => Error | null) {
  const batches: (readonly number[])[] = [];
  const writer = createBatchWriter(async (batch: readonly number[]) => {
    batches.push(batch);
    await Promise.resolve();
    const failure = failOf(batch);
    if (failure !== null) throw failure;
    return batch.map((item) => item * 10);
  }, 3);
  return { batches, write: (items: readonly number[]) => Promise.allSettled(items.map((item) => writer.write(item))) };
}

const said = (results: readonly PromiseSettledResult<number>[]): unknown[] =>
  results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message));

describe('what is written together', () => {
  it('waits for nobody when it comes alone, and what comes meanwhile goes together, so many at a time', async () => {
    const { batches, write } = recorded(() => null);
    expect(said(await write([1, 2, 3, 4, 5]))).toEqual([10, 20, 30, 40, 50]);
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('does not fail for one that cannot be stored', async () => {
    const { write } = recorded((batch) => (batch.includes(3) ? new Error('three') : null));
    expect(said(await write([1, 2, 3, 4]))).toEqual([10, 20, 'three', 40]);
  });

  it('fails at once while there is no database: none is tried again by itself', async () => {
    const { batches, write } = recorded(() => new HaubanError('DATABASE', 'away'));
    const results = await write([1, 2, 3, 4]);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    expect(batches).toEqual([[1], [2, 3, 4]]);
  });
});
