import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkCatches,
  checkEntryComments,
  checkFocus,
  checkLockfile,
  checkName,
  checkNoShell,
  checkSize,
  checkSuppressions,
  checkText,
} from './files.ts';
import { listFiles, loadSources, parseSource, ROOT, type Source } from './source-tree.ts';

const sources = loadSources();
/** Files with text in them; the binary ones have no rules. */
const TEXT = /\.(?:ts|tsx|mjs|js|json|md|yml|yaml|toml|css|html|sql|sh|service|socket|timer|conf|txt)$|\/[^.]+$/;
const texts = listFiles('.', (path) => TEXT.test(path) && path !== 'package-lock.json');
const all = (rule: (source: Source) => string[]): string[] => sources.flatMap((source) => rule(source));
const expectNone = (found: readonly string[]): void => {
  if (found.length > 0) expect.fail(`${found.length}:\n${found.join('\n')}\n`);
};
const seed = (text: string, path = 'packages/agent/src/host/seed.ts'): Source => parseSource(path, text);

describe('every file of the repository', () => {
  it('has at most 400 code lines (tests and migrations apart)', () => expectNone(all(checkSize)));
  it('has a kebab-case name that says something', () => expectNone(listFiles().flatMap(checkName)));
  it('opens its folder with a comment when it is the entry', () =>
    expectNone(checkEntryComments(sources, new Set(texts))));
  it('starts no shell', () => expectNone(all(checkNoShell)));
  it('swallows no error', () => expectNone(all(checkCatches)));
  it('switches no rule off without a reason', () => expectNone(all(checkSuppressions)));
  it('hides no test', () => expectNone(all(checkFocus)));
  it('names no machine, registry or conflict', () =>
    expectNone(texts.flatMap((path) => checkText(path, readFileSync(join(ROOT, path), 'utf8')))));
  it('the lockfile pins by hash, names no host and fits every package.json', () => {
    const files = listFiles('.', (path) => /^(?:packages\/[^/]+\/)?package\.json$/.test(path));
    const read = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
    const manifests = new Map(files.map((path) => [dirname(path).replace(/^\.$/, ''), read(path) as object]));
    expect(manifests.size).toBeGreaterThan(7);
    expectNone(checkLockfile(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), manifests));
  });
});

describe('a seeded fault is found', () => {
  it('401 code lines; blank lines and comments do not count', () => {
    const line = 'export const x = 1;\n';
    expect(checkSize(seed(line.repeat(401)))).toHaveLength(1);
    expect(checkSize(seed(`${line.repeat(400)}\n\n// one\n/*\n two\n*/\n`))).toEqual([]);
    expect(checkSize(seed(line.repeat(401), 'packages/agent/src/host/seed.test.ts'))).toEqual([]);
  });

  it.each([
    'packages/agent/src/host/realHost.ts',
    'packages/agent/src/Host/x.ts',
    'test/lab/Node_1.ts',
    'docs/Errors.md',
  ])('name not kebab-case: %s', (path) => {
    expect(checkName(path)).toHaveLength(1);
  });

  it.each([
    'packages/agent/src/utils/x.ts',
    'packages/ui/src/helpers.ts',
    'packages/controller/src/nodes/types.ts',
    'test/support/common.test.ts',
  ])('banned name: %s', (path) => {
    expect(checkName(path)).toHaveLength(1);
  });

  it.each([
    'docs/ARCHITECTURE.md',
    'packages/controller/migrations/0000_first.sql',
    'systemd/hauban-agent.service',
    '.oxlintrc.json',
    'packages/controller/src/runs/runs.service.ts',
  ])('name that is fine: %s', (path) => {
    expect(checkName(path)).toEqual([]);
  });

  it('a room whose entry file opens with no comment, with an import, or that has none', () => {
    const path = 'packages/agent/src/spool/index.ts';
    expect(checkEntryComments([seed("export * from './spool.ts';", path)])).toHaveLength(1);
    expect(
      checkEntryComments([seed("import x from 'x';\n/** Keeps samples on disk until they are durable. */\n", path)]),
    ).toHaveLength(1);
    expect(checkEntryComments([seed('/** TODO */\nexport {};', path)])).toHaveLength(1);
    expect(checkEntryComments([seed('export const x = 1;', 'packages/agent/src/spool/chunk-file.ts')])).toEqual([
      expect.stringContaining('no entry file'),
    ]);
    expect(
      checkEntryComments([seed('/** Keeps samples on disk until they are durable. */\nexport {};', path)]),
    ).toEqual([]);
  });

  it.each([
    ["import { exec } from 'node:child_process'; exec('ls');", /runs a shell/],
    ["import { execSync as run } from 'node:child_process'; run('ls');", /runs a shell/],
    ["import * as childProcess from 'node:child_process'; childProcess.exec('ls');", /runs a shell/],
    ["import { spawn } from 'node:child_process'; spawn('/bin/ls', [], { shell: true });", /shell: true/],
    ["import { spawn } from 'node:child_process'; spawn('/bin/sh', ['-c', 'ls']);", /shell with -c/],
    ["import { execFile } from 'node:child_process'; execFile('bash', ['-lc', x]);", /shell with -c/],
    ['import { execFile } from "node:child_process"; execFile(`/bin/systemctl reload ${unit}`);', /built from parts/],
  ])('a shell: %s', (text, says) => {
    const found = checkNoShell(seed(text));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
  });

  it.each([
    "const m = /a/.exec('a');",
    "import { spawn } from 'node:child_process'; spawn('/usr/bin/nft', ['-c', '-f', '-'], { shell: false });",
  ])('no shell: %s', (text) => {
    expect(checkNoShell(seed(text))).toEqual([]);
  });

  it.each([
    'try { a(); } catch {}',
    'try { a(); } catch (error) { /* never mind */ }',
    'void p.catch(() => {});',
    'void p.catch(function () { /* no */ });',
  ])('a swallowed error: %s', (text) => {
    expect(checkCatches(seed(text))).toHaveLength(1);
  });

  it('a catch that does something is fine', () => {
    expect(
      checkCatches(
        seed('try { a(); } catch (error) { log(error); } p.catch((error) => { log(error); }); p.catch(() => null);'),
      ),
    ).toEqual([]);
  });

  it.each([
    "it.only('x', () => {});",
    "describe.skip('x', () => {});",
    "// later\ntest.todo('x');",
    "describe.only.each([1])('x', () => {});",
  ])('a hidden test: %s', (text) => {
    expect(checkFocus(seed(text, 'test/lab/x.test.ts'))).toHaveLength(1);
  });

  it.each([
    '// oxlint-disable-next-line no-console\nx();',
    'x(); // eslint-disable-line',
    '// @ts-expect-error\nx();',
    '/* oxlint-disable no-console -- all of this file prints */\nx();',
  ])('a rule switched off: %s', (text) => {
    expect(checkSuppressions(seed(text))).toHaveLength(1);
    expect(checkSuppressions(seed('// This program prints.\n// oxlint-disable-next-line no-console\nx();'))).toEqual(
      [],
    );
    expect(
      checkSuppressions(seed('// oxlint-disable-next-line no-console -- this is the program that prints\nx();')),
    ).toEqual([]);
  });

  it('a skip with its reason is fine', () => {
    expect(
      checkFocus(
        seed("// Skipped: needs a second kernel, until the lab has one\nit.skip('x', () => {});", 'test/lab/x.test.ts'),
      ),
    ).toEqual([]);
    expect(checkFocus(seed("it.skipIf(!isRoot)('x', () => {});", 'test/lab/x.test.ts'))).toEqual([]);
  });

  it.each([
    ['cd /ho' + 'me/jane/src/hauban', /absolute path/],
    ['see /wo' + 'rk/tree/x', /absolute path/],
    ['https://regis' + 'try.npmjs.org/x', /registry/],
    ['<<<<' + '<<< HEAD\n', /conflict/],
  ])('a forbidden text: %s', (text, says) => {
    const found = checkText('docs/x.md', text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
  });

  it.each(['/home/w4a100010/www', '/etc/hauban/policy.toml', 'https://example.org/work/x', '/run/hauban/x.sock'])(
    'a text that is fine: %s',
    (text) => {
      expect(checkText('docs/x.md', text)).toEqual([]);
    },
  );

  it('a lockfile entry with a host, and one without a hash', () => {
    const found = (entry: object): string[] =>
      checkLockfile(JSON.stringify({ packages: { '': {}, 'node_modules/ws': entry } }), new Map([['', {}]]));
    const resolved = new URL('/ws.tgz', 'https://example.org').href;
    expect(found({ version: '8.0.0', integrity: 'sha512-x', resolved })).toHaveLength(1);
    expect(found({ version: '8.0.0' })).toHaveLength(1);
    expect(found({ version: '8.0.0', integrity: 'sha512-x' })).toEqual([]);
  });

  it('a lockfile that does not know a dependency, and one that has another version', () => {
    const found = (dependencies: Readonly<Record<string, string>>): string[] =>
      checkLockfile(
        JSON.stringify({ packages: { 'packages/cli': { dependencies } } }),
        new Map([['packages/cli', { dependencies: { ws: '8.0.0' } }]]),
      );
    expect(found({})).toEqual([expect.stringContaining('differs from packages/cli/package.json')]);
    expect(found({ ws: '7.0.0' })).toHaveLength(1);
    expect(found({ ws: '8.0.0' })).toEqual([]);
  });
});
