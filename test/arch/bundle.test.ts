import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
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

  it('keeps what is heavy or native out of the link process', () => {
    expect(found).not.toMatch(/^(?:systeminformation|node-pty|typebox): .*\b(?:start|link)\b/m);
  });

  it('has a written reason for each of them', () => {
    const problems = checkReasons(page, declared, found);
    if (problems.length > 0) expect.fail(problems.join('\n'));
  });

  it('a seeded row without its package, a package without its row, and an empty reason are found', () => {
    expect(checkReasons(`${page}\n| left-pad | Pads to the left, for no good reason. |\n`, declared, found)).toEqual([
      expect.stringContaining('left-pad'),
    ]);
    expect(checkReasons(page, [...declared, 'left-pad'], found)).toEqual([
      expect.stringContaining('no reason for left-pad'),
    ]);
    expect(checkReasons(page, declared, `${found}left-pad: link\n`)).toEqual([
      expect.stringContaining('no reason for left-pad'),
    ]);
    expect(checkReasons(page.replace(/^\| ws .*\|$/m, '| ws | because |'), declared, found)).toEqual([
      expect.stringContaining('says nothing'),
    ]);
  });
});

describe('a seeded change of the bundle is found', () => {
  it('a package more, one that another room loads now, one that is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hauban-bundle-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await mkdir(join(folder, 'src/link'), { recursive: true });
    await mkdir(join(folder, 'src/shell'));
    await writeFile(
      join(folder, 'src/main.ts'),
      "import { parse } from 'smol-toml'; console.log(parse, import('./link/index.ts'), import('./shell/index.ts'));",
    );
    await writeFile(join(folder, 'src/link/index.ts'), "import { WebSocket } from 'ws'; console.log(WebSocket);");
    await writeFile(
      join(folder, 'src/shell/index.ts'),
      "console.log(await import('node-pty/lib/utils.js'), await import('ws'));",
    );
    const modules = await listModules('--root', folder);
    await rm(folder, { recursive: true });
    expect(modules).toBe('node-pty: shell\nsmol-toml: start\nws: link, shell\n');
    const differences = compareModules(modules, 'node-pty: link\njose: start\nws: link, shell\n');
    expect(differences.map((text) => text.split(' — ')[0])).toEqual([
      'new in the bundle: node-pty: shell',
      'new in the bundle: smol-toml: start',
      'no longer in the bundle: node-pty: link',
      'no longer in the bundle: jose: start',
    ]);
  });
});
