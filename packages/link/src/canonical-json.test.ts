import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, planHash } from './canonical-json.ts';

describe('canonicalJson', () => {
  it('sorts members by code units, keeps lists, writes no white space', () => {
    expect(canonicalJson({ b: [3, 1], é: 1, a: { y: null, x: 'q"\n' }, B: true })).toBe(
      '{"B":true,"a":{"x":"q\\"\\n","y":null},"b":[3,1],"é":1}',
    );
  });

  it('gives one text for one value, in whatever order it was built, and JSON reads it back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        const reversed = JSON.parse(JSON.stringify(plain), (_key, entry: unknown) =>
          typeof entry === 'object' && entry !== null && !Array.isArray(entry)
            ? Object.fromEntries(Object.entries(entry).toReversed())
            : entry,
        ) as unknown;
        expect(canonicalJson(reversed)).toBe(canonicalJson(plain));
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
      }),
    );
  });

  it.each([[undefined], [Number.NaN], [Number.POSITIVE_INFINITY], [() => 1], [new Date(0)], [{ a: undefined }], [1n]])(
    'refuses %s, which JSON cannot hold',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    },
  );

  it('refuses a value nested to exhaust the stack', () => {
    const bomb: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(() => canonicalJson(bomb)).toThrow(/levels deep/);
  });
});

it('planHash differs with any altered change, not with the order of members', () => {
  const change = { kind: 'group', before: null, after: { name: 'a', gid: 1, members: [] } } as const;
  const same = { after: { members: [], gid: 1, name: 'a' }, before: null, kind: 'group' } as const;
  expect(planHash([change])).toMatch(/^[0-9a-f]{64}$/);
  expect(planHash([same])).toBe(planHash([change]));
  expect(planHash([{ ...change, after: { ...change.after, gid: 2 } }])).not.toBe(planHash([change]));
  expect(planHash([change, change])).not.toBe(planHash([change]));
});
