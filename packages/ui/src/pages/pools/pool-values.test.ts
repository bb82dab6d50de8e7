import { describe, expect, it } from 'vitest';
import { parsePool, poolValues } from './pool-values.ts';

const good = { ...poolValues(null), name: 'web-main', on: ' role=web ' };

describe('a pool that is typed', () => {
  it('is what the contract takes: members in one way only', () => {
    const rest = { name: 'web-main', repair: 'show', budget: 20, compareMinutes: 60 };
    expect(parsePool(good)).toEqual({ ok: true, request: { ...rest, on: 'role=web' } });
    expect(parsePool({ ...good, way: 'name', nodes: ['a'] })).toEqual({
      ok: true,
      request: { ...rest, nodes: ['a'] },
    });
  });

  it.each([
    [{ name: 'Web' }, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'a'.repeat(41) }, 'name'],
    [{ on: '' }, 'on'],
    [{ on: 'role=' }, 'on'],
    [{ way: 'name' as const }, 'nodes'],
    [{ budget: '-1' }, 'budget'],
    [{ budget: '10001' }, 'budget'],
    [{ minutes: '0' }, 'minutes'],
    [{ minutes: '1441' }, 'minutes'],
    [{ minutes: '1e3' }, 'minutes'],
  ])('with %j is refused at its field', (typed, field) => {
    const parsed = parsePool({ ...good, ...typed });
    expect(parsed.ok ? [] : Object.keys(parsed.problems)).toEqual([field]);
  });

  it('begins with what a pool is now', () => {
    const pool = {
      ...{ id: 'p', name: 'db', nodes: ['a', 'b'], on: null, repair: 'auto' as const, budget: 3, compareMinutes: 5 },
      ...{ version: 1, itemCount: 0, memberCount: 2, driftCount: 0, comparedAt: null, createdAt: 0, createdBy: 'ann' },
    };
    expect(parsePool(poolValues(pool))).toEqual({
      ok: true,
      request: { name: 'db', nodes: ['a', 'b'], repair: 'auto', budget: 3, compareMinutes: 5 },
    });
  });
});
