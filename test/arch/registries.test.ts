import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTION_FAMILIES, checkActionName, checkRegistry, REGISTRIES, type Registry } from './registries.ts';
import { loadSources, parseSource, ROOT } from './source-tree.ts';

const sources = loadSources();

describe('the list equals the folder', () => {
  it.each(REGISTRIES)('$name', (registry) => {
    const found = checkRegistry(sources, registry);
    if (found.length > 0) expect.fail(found.join('\n'));
  });

  it('an action’s file is named after it', () => {
    const actions = sources.filter(
      ({ path }) => path.startsWith('packages/shared/src/actions/') && !path.endsWith('.test.ts'),
    );
    expect(actions.flatMap(checkActionName)).toEqual([]);
  });

  it('every family of actions is known here, and its list is in the list of all', () => {
    const folders = sources
      .filter(({ path, text }) => !path.endsWith('.test.ts') && /= defineAction\(/.test(text))
      .map(({ path }) => /^packages\/shared\/src\/actions\/([a-z-]+)\/[^/]+\.ts$/.exec(path)?.[1] ?? path);
    expect(ACTION_FAMILIES.map(([family]) => family)).toEqual([...new Set(folders)].sort());
    const all = sources.find(({ path }) => path === 'packages/shared/src/actions/index.ts')?.text ?? '';
    for (const [, variable] of ACTION_FAMILIES) expect(all).toMatch(new RegExp(`\\[[A-Z_,\\s]*${variable}`));
  });
});

const SEED: Registry = {
  name: 'seeds',
  list: 'packages/agent/src/seeds/index.ts',
  variable: 'SEEDS',
  isMember: ({ path, text }) => path.startsWith('packages/agent/src/seeds/') && /: Seed =/.test(text),
};
const member = (name: string): ReturnType<typeof parseSource> =>
  parseSource(`packages/agent/src/seeds/${name}.ts`, `export const ${name}: Seed = {};`);
const list = (text: string): ReturnType<typeof parseSource> => parseSource(SEED.list, text);

describe('a seeded difference is found', () => {
  it('is quiet when they are equal, helpers and tests beside them', () => {
    const helper = parseSource('packages/agent/src/seeds/seed.ts', 'export interface Seed {}');
    const test = parseSource('packages/agent/src/seeds/a.test.ts', 'const x: Seed = {};');
    const both = list("import { a } from './a.ts'; import { b } from './b.ts'; export const SEEDS = [a, b];");
    expect(checkRegistry([member('a'), member('b'), helper, test, both], SEED)).toEqual([]);
    const lazy = list("export const SEEDS = { a: () => import('./a.ts') };");
    expect(checkRegistry([member('a'), lazy], SEED)).toEqual([]);
  });

  it.each([
    ['a file that the list forgets', "import { a } from './a.ts'; export const SEEDS = [a];", /b\.ts is not in SEEDS/],
    [
      'imported but not listed',
      "import { a } from './a.ts'; import { b } from './b.ts'; export const SEEDS = [a]; use(b);",
      /b\.ts is not in SEEDS/,
    ],
    ['no list', "import { a } from './a.ts';", /has no SEEDS/],
  ])('%s', (_what, text, says) => {
    const found = checkRegistry([member('a'), member('b'), list(text)], SEED);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
  });

  it('an entry from elsewhere, and two entries in one file', () => {
    const elsewhere = list(
      "import { a } from './a.ts'; import { c } from '../other/c.ts'; export const SEEDS = [a, c];",
    );
    expect(checkRegistry([member('a'), elsewhere], SEED)).toEqual([expect.stringContaining('other/c.ts')]);
    const two = list("import { a, a2 } from './a.ts'; export const SEEDS = [a, a2];");
    expect(checkRegistry([member('a'), two], SEED)).toEqual([expect.stringContaining('two entries')]);
  });

  it('a function that registers: what it forgets is found', () => {
    const text = (calls: string): string =>
      `import { a } from './a.ts'; import { b } from './b.ts'; export function SEEDS() { ${calls} }`;
    expect(checkRegistry([member('a'), member('b'), list(text('a(x); b(y);'))], SEED)).toEqual([]);
    expect(checkRegistry([member('a'), member('b'), list(text('a(x);'))], SEED)).toEqual([
      expect.stringContaining('b.ts'),
    ]);
  });

  it('a list that is missing altogether', () => {
    expect(checkRegistry([member('a')], SEED)).toEqual([expect.stringContaining('does not exist')]);
    expect(checkRegistry([], SEED)).toEqual([]);
  });

  it('an action in a file of another name', () => {
    const text = "export const x = defineAction({ name: 'php.switch-version', version: 1 });";
    expect(checkActionName({ path: 'packages/shared/src/actions/php.ts', text })).toHaveLength(1);
    expect(checkActionName({ path: 'packages/shared/src/actions/php-switch-version.ts', text })).toEqual([]);
  });
});

describe('the pages made from tables', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hauban-docs-'));
    await cp(join(ROOT, 'docs'), folder, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const check = (docs: string): Promise<string> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(ROOT, 'scripts/docs.mjs'), '--check', '--docs', docs],
        (_error, stdout, stderr) => resolve(stdout + stderr),
      );
    });

  it('docs/ has every error code, audit code, metric and action, and no other', async () => {
    expect(await check(join(ROOT, 'docs'))).toBe('');
  });

  it.each([
    ['errors.md', /^\| `NOT_FOUND`.*\n/m, '', /errors\.md: missing: \| `NOT_FOUND`/],
    [
      'errors.md',
      /$/,
      '| `NO_SUCH_CODE` | x | 400 | no | yes |\n',
      /errors\.md: not in the sources: \| `NO_SUCH_CODE`/,
    ],
    ['audit-codes.md', /^\| `A1000I`.*\n/m, '', /audit-codes\.md: missing: \| `A1000I`/],
    ['audit-codes.md', /$/, '| `A9999E` | x | error |\n', /audit-codes\.md: not in the sources: \| `A9999E`/],
    ['metrics.md', /^\| `cpu\.user`.*\n/m, '', /metrics\.md: missing: \| `cpu\.user`/],
  ])('a seeded difference in %s is found', async (file, pattern, replacement, says) => {
    const original = await readFile(join(folder, file), 'utf8');
    await writeFile(join(folder, file), original.replace(pattern, replacement));
    expect(await check(folder)).toMatch(says);
    await writeFile(join(folder, file), original);
  });
});
