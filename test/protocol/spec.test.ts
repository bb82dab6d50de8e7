import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSources, parseSource, ROOT } from '../arch/source-tree.ts';
import { compareSpec, rulesOf, titlesOf } from './spec-rules.ts';

const SPEC = readFileSync(join(ROOT, 'packages/shared/src/protocol/SPEC.md'), 'utf8');
/** The titles of this file's own seeds are no evidence. */
const tests = loadSources().filter(({ path }) => path.endsWith('.test.ts') && path !== 'test/protocol/spec.test.ts');

describe('SPEC.md and the tests', () => {
  it('every rule is in the title of at least one test', () => {
    const { untested } = compareSpec(SPEC, tests);
    if (untested.length > 0) expect.fail(`no test title names: ${untested.join(' ')}`);
  });

  it('every rule that a title names exists, once', () => {
    expect(compareSpec(SPEC, tests)).toMatchObject({ unknown: [], twice: [] });
  });

  it('the reader finds the rules', () => {
    expect(rulesOf(SPEC).length).toBeGreaterThan(40);
    expect(rulesOf(SPEC)).toContain('HELLO1');
  });
});

describe('a seeded difference is found', () => {
  const spec = '# S\n\n- **HELLO1** One.\n- **HELLO2** Two, see X25519.\n- **FRAME1** Three.\n';
  const titled = (text: string): ReturnType<typeof parseSource> => parseSource('test/x.test.ts', text);

  it('a rule without a test; a mention that is not a title does not count', () => {
    const source = titled(
      "it('HELLO1 works', () => {}); describe('FRAME1: frames', () => {}); const x = 'HELLO2'; // HELLO2",
    );
    expect(compareSpec(spec, [source])).toEqual({ untested: ['HELLO2'], unknown: [], twice: [] });
  });

  it('a title with a rule that does not exist; other names with digits are no rules', () => {
    const source = titled("it('HELLO1 HELLO2 FRAME1', () => {}); it('HELLO9 and SHA256 with X25519', () => {});");
    expect(compareSpec(spec, [source])).toEqual({ untested: [], unknown: ['HELLO9'], twice: [] });
  });

  it('an id given to two rules', () => {
    expect(compareSpec(`${spec}- **FRAME1** Again.\n`, []).twice).toEqual(['FRAME1']);
  });

  it('titles of every form are read', () => {
    const source = titled(
      "it('A1', f); it.each([['B1', 2]])('%s', f); describe.skipIf(x)('C1', f); test.each`D1`('E1', f); it(`F1 ${g}`, f); it.each([{ name: 'G1' }])('$name', f);",
    );
    expect(
      titlesOf(source)
        .join(' ')
        .match(/[A-Z]1/g)
        ?.toSorted(),
    ).toEqual(['A1', 'B1', 'C1', 'E1', 'F1', 'G1']);
  });
});
