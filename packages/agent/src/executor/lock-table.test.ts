import { SeededRandom } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { createLockTable } from './lock-table.ts';

const never = new AbortController().signal;
const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

describe('locks', () => {
  it('lets orders without a name in common run side by side', async () => {
    const locks = createLockTable();
    expect(await locks.acquire(['account:a'], '1', never)).not.toBeNull();
    expect(await locks.acquire(['account:b'], '2', never)).not.toBeNull();
    expect(await locks.acquire([], '3', never)).not.toBeNull();
    expect(locks.holder('account:b')).toBe('2');
  });

  it('is fair: nobody overtakes an earlier request for one of the same names', async () => {
    const locks = createLockTable();
    const order: string[] = [];
    const first = await locks.acquire(['apache'], 'first', never);
    const take = (names: string[], owner: string): void =>
      void locks.acquire(names, owner, never).then((release) => {
        order.push(owner);
        release?.();
        return undefined;
      });
    take(['account:a', 'apache'], 'second');
    take(['account:a'], 'third');
    take(['account:b'], 'beside');
    await settled();
    expect(order).toEqual(['beside']);
    first?.();
    await settled();
    expect(order).toEqual(['beside', 'second', 'third']);
  });

  it('a request that gives up frees those behind it', async () => {
    const locks = createLockTable();
    await locks.acquire(['apache'], 'first', never);
    const impatient = new AbortController();
    const second = locks.acquire(['apache', 'nft'], 'second', impatient.signal);
    const third = locks.acquire(['nft'], 'third', never);
    impatient.abort();
    expect(await second).toBeNull();
    expect(await third).not.toBeNull();
    expect(await locks.acquire(['x'], 'late', impatient.signal)).toBeNull();
    expect(locks.holder('x')).toBeNull();
  });

  it('releasing twice does not free what somebody else holds by then', async () => {
    const locks = createLockTable();
    const first = await locks.acquire(['apache'], 'first', never);
    first?.();
    await locks.acquire(['apache'], 'second', never);
    first?.();
    expect(locks.holder('apache')).toBe('second');
  });

  it.each([1, 2, 3, 4, 5])('no two owners hold a name at once, and all get their turn (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const locks = createLockTable();
    const inside = new Map<string, number>();
    const one = async (owner: number): Promise<void> => {
      const names = ['a', 'b', 'c', 'd'].filter(() => random.unit() < 0.5);
      const release = await locks.acquire(names, String(owner), never);
      for (const name of names) {
        expect(inside.has(name)).toBe(false);
        inside.set(name, owner);
      }
      for (let i = random.below(4); i > 0; i -= 1) await settled();
      for (const name of names) inside.delete(name);
      release?.();
    };
    await Promise.all(Array.from({ length: 100 }, (_unused, owner) => one(owner)));
    expect(inside.size).toBe(0);
  });
});
