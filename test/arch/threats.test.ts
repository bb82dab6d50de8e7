import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './source-tree.ts';
import { checkClaims, parseClaims } from './threats.ts';

const page = readFileSync(join(ROOT, 'docs/threats.md'), 'utf8');
const load = (file: string): string | null =>
  existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : null;

describe('the table of threats', () => {
  it('names a test that is there for every claim', () => {
    expect(parseClaims(page).claims.length).toBeGreaterThan(30);
    expect(checkClaims(page, load)).toEqual([]);
  });

  it.each([
    ['a claim whose test was renamed', '| x | `a.test.ts`: does y |', "it('does z')", 'has no test named "does y"'],
    ['a claim whose test file is gone', '| x | `b.test.ts`: does z |', "it('does z')", 'there is no b.test.ts'],
    ['a claim without a test', '| x | trust us |', "it('does z')", 'not a claim with its test'],
  ])('a seeded fault is found: %s', (_name, row, source, problem) => {
    const found = checkClaims(row, (file) => (file === 'a.test.ts' ? source : null));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
    expect(checkClaims('| x | `a.test.ts`: does z |', () => "it('does z')")).toEqual([]);
  });
});
