import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkReasons, compareModules } from './bundle.ts';
import { ROOT } from './source-tree.ts';

const AGENT = join(ROOT, 'packages/agent');
const read = (file: string): Promise<string> => readFile(join(AGENT, file), 'utf8');

/** What the bundler puts inside, without writing a bundle. */
const listModules = (...args: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [join(AGENT, 'bundle.mjs'), '--list', ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr, { cause: error }));
    });
  });

describe('the agent’s bundle', () => {
  let found = '';
  let reviewed = '';
  let page = '';
  let declared: string[] = [];

  beforeAll(async () => {
    [found, reviewed, page] = await Promise.all([listModules(), read('bundle-modules.txt'), read('DEPENDENCIES.md')]);
    const manifest = JSON.parse(await read('package.json')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    declared = Object.keys(manifest.dependencies).filter((name) => !name.startsWith('@hauban/'));
  });

  it('holds the reviewed packages and no other', () => {
    const differences = compareModules(found, reviewed);
    if (differences.length > 0) expect.fail(differences.join('\n'));
  });

  it('loads nothing native or heavy at the start', () => {
    expect(found).not.toMatch(/^start (?:systeminformation|node-pty|chokidar)$/m);
  });

  it('has a written reason for each of them', () => {
    const problems = checkReasons(page, declared, found);
    if (problems.length > 0) expect.fail(problems.join('\n'));
  });

  it('a seeded row without its package, a package without its row, and a wrong time of loading are found', () => {
    expect(
      checkReasons(`${page}| left-pad | start | Pads to the left, for no good reason. |\n`, declared, found),
    ).toEqual([expect.stringContaining('left-pad')]);
    expect(checkReasons(page, [...declared, 'left-pad'], found)).toEqual([
      expect.stringContaining('no reason for left-pad'),
    ]);
    expect(checkReasons(page.replace(/^\| ws \| start \|.*\|$/m, '| ws | start | because |'), declared, found)).toEqual(
      [expect.stringContaining('says nothing')],
    );
    expect(checkReasons(page.replace('| ws | start |', '| ws | lazy |'), declared, 'start ws\n')).toContainEqual(
      expect.stringContaining('ws is loaded start'),
    );
  });
});

describe('a seeded change of the bundle is found', () => {
  it('a package more at the start, one that became lazy, one that is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hauban-bundle-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(
      join(folder, 'main.ts'),
      "import 'smol-toml'; import { parse } from 'smol-toml'; console.log(parse, await import('ws'), await import('node-pty'));",
    );
    const modules = await listModules('--entry', join(folder, 'main.ts'));
    await rm(folder, { recursive: true });
    expect(modules).toBe('lazy ws\nnative node-pty\nstart smol-toml\n');
    const differences = compareModules(modules, 'native node-pty\nstart jose\nstart ws\n');
    expect(differences.map((text) => text.split(' — ')[0])).toEqual([
      'new in the bundle: lazy ws',
      'new in the bundle: start smol-toml',
      'no longer in the bundle: start jose',
      'no longer in the bundle: start ws',
    ]);
  });
});
