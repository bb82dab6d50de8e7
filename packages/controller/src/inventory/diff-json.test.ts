import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffJson, MOST_CHANGES } from './diff-json.ts';

describe('diffJson', () => {
  it('names elements of a list, so that one new package is one change', () => {
    const before = {
      packages: [
        { name: 'apache2', version: '2.4.1' },
        { name: 'nginx', version: '1.0' },
      ],
    };
    const after = {
      packages: [
        { name: 'acl', version: '1' },
        { name: 'apache2', version: '2.4.2' },
      ],
    };
    expect(diffJson(before, after)).toEqual([
      { path: 'packages[apache2].version', before: '2.4.1', after: '2.4.2' },
      { path: 'packages[nginx]', before: { name: 'nginx', version: '1.0' }, after: null },
      { path: 'packages[acl]', before: null, after: { name: 'acl', version: '1' } },
    ]);
  });
  it('takes a list of texts for a set', () => {
    expect(diffJson(['a', 'b'], ['b', 'c'])).toEqual([
      { path: '[a]', before: 'a', after: null },
      { path: '[c]', before: null, after: 'c' },
    ]);
    expect(diffJson(['a', 'b'], ['b', 'a'])).toEqual([]);
  });
  it('tells a whole value where there is nothing to compare by', () => {
    expect(diffJson({ a: 1 }, [1])).toEqual([{ path: '', before: { a: 1 }, after: [1] }]);
    expect(diffJson([{ x: 1 }, { x: 1 }], [{ x: 1 }])).toEqual([
      { path: '', before: [{ x: 1 }, { x: 1 }], after: [{ x: 1 }] },
    ]);
  });
  it('is bounded: a reinstalled machine is one change', () => {
    const list = (salt: string): unknown => Array.from({ length: 5000 }, (_, n) => ({ name: `p${n}`, version: salt }));
    expect(diffJson(list('a'), list('b'))).toEqual([
      { path: '', before: null, after: expect.stringContaining(String(MOST_CHANGES)) as unknown },
    ]);
  });
  it('finds nothing in the same value and something in another, whatever they are, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.jsonValue({ maxDepth: 6 }), (a, b) => {
        expect(diffJson(a, structuredClone(a))).toEqual([]);
        diffJson(a, b);
      }),
    );
  });
  it('does not mix up names that the language knows', () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}') as unknown;
    expect(diffJson({}, hostile).map(({ path }) => path)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
