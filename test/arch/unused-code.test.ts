import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './source-tree.ts';

/** A repository of three files that has one of each fault, seen through the real configuration. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'seed', private: true, type: 'module', workspaces: ['packages/agent'] }),
  'packages/agent/package.json': JSON.stringify({
    name: '@hauban/agent',
    type: 'module',
    exports: {},
    dependencies: { unneeded: '1.0.0' },
  }),
  'packages/agent/src/main.ts': "import pad from 'left-pad';\nimport { used } from './parts.ts';\nused(pad);\n",
  'packages/agent/src/parts.ts':
    'export const used = (x: unknown): unknown => x;\nexport const spare = 1;\nexport interface Spare { x: 1 }\n',
  'packages/agent/src/forgotten.ts': 'export const x = 1;\n',
};

type Issues = Readonly<Record<string, readonly { readonly name: string }[] | undefined>> & { readonly file: string };

describe('knip with our configuration finds a seeded', () => {
  let folder = '';
  let issues: readonly Issues[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hauban-knip-'));
    await copyFile(join(ROOT, 'knip.json'), join(folder, 'knip.json'));
    for (const [path, text] of Object.entries(FILES)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const args = [join(ROOT, 'node_modules/knip/bin/knip.js'), '--no-progress', '--reporter', 'json'];
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, args, { cwd: folder }, (_error, stdout, stderr) => {
        if (stdout.startsWith('{')) resolve(stdout);
        else reject(new Error(`knip did not run: ${stdout}${stderr}`));
      });
    });
    issues = (JSON.parse(output) as { readonly issues: readonly Issues[] }).issues;
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['unused file', 'packages/agent/src/forgotten.ts', 'files', 'packages/agent/src/forgotten.ts'],
    ['unused export', 'packages/agent/src/parts.ts', 'exports', 'spare'],
    ['unused exported type', 'packages/agent/src/parts.ts', 'types', 'Spare'],
    ['undeclared import', 'packages/agent/src/main.ts', 'unlisted', 'left-pad'],
    ['unneeded dependency', 'packages/agent/package.json', 'dependencies', 'unneeded'],
  ])('%s', (_what, file, kind, name) => {
    const found = issues.filter((issue) => issue.file === file).flatMap((issue) => issue[kind] ?? []);
    expect(found.map((entry) => entry.name)).toContain(name);
  });
});
