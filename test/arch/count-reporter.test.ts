import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './source-tree.ts';

/** Test files with one of each outcome, run by the real runner with the reporter that `npm test` counts with. */
const FILES: Readonly<Record<string, string>> = {
  'plain.test.mjs': [
    "import { it, expect } from 'vitest';",
    "it('passes', () => {});",
    "it('fails', () => { expect(1).toBe(2); });",
    "it.skip('skipped without a word', () => {});",
    '// Skipped: needs a second machine',
    "it.skip('skipped with a comment', () => {});",
    "it('skips itself', (context) => { context.skip('needs root'); });",
  ].join('\n'),
  'suite.test.mjs':
    "import { describe, it } from 'vitest';\n// Skipped: needs systemd\ndescribe.skipIf(true)('group', () => { it('inside', () => {}); });",
  'hook.test.mjs':
    "import { beforeAll, describe, it } from 'vitest';\ndescribe('behind', () => { beforeAll(() => { throw new Error('hook broke'); }); it('never runs', () => {}); });",
  'broken.test.mjs': "import './no-such-file.mjs';",
  'stray.test.mjs':
    "import { it } from 'vitest';\nit('leaves an error behind', async () => { setTimeout(() => { throw new Error('stray'); }, 0); await new Promise((done) => { setTimeout(done, 50); }); });",
};

interface Report {
  readonly passed: number;
  readonly failed: readonly { readonly file: string; readonly name: string; readonly message: string }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

describe('the reporter that npm test counts with', () => {
  let folder = '';
  let report: Report = { passed: 0, failed: [], skipped: [] };
  let status: unknown;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hauban-count-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
    const reportFile = join(folder, 'report.json');
    const args = [
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      folder,
      '--includeTaskLocation',
      `--reporter=${join(ROOT, 'scripts/count-reporter.mjs')}`,
    ];
    status = await new Promise((resolve) => {
      execFile(
        process.execPath,
        args,
        { cwd: folder, env: { PATH: process.env['PATH'], HAUBAN_TEST_REPORT: reportFile } },
        (error) => resolve(error?.code ?? 0),
      );
    });
    report = JSON.parse(await readFile(reportFile, 'utf8')) as Report;
  });

  afterAll(() => rm(folder, { recursive: true }));

  const failure = (name: string): string | undefined => report.failed.find((test) => test.name === name)?.message;

  it('counts what passed, and the run ends with an error', () => {
    expect(report.passed).toBe(2);
    expect(status).toBe(1);
  });

  it('counts a failed test, a file that does not load, a hook and an error outside of any test, each once', () => {
    expect(report.failed).toHaveLength(5);
    expect(failure('fails')).toContain('expected 1 to be 2');
    expect(failure('(loading the file)')).toContain('no-such-file');
    expect(failure('behind (hook)')).toContain('hook broke');
    expect(failure('(outside of any test)')).toContain('stray');
  });

  it('counts a skip without a reason as a failure', () => {
    expect(failure('skipped without a word')).toBe('skipped without a reason');
  });

  it('takes the reason from the note, or from the comment above the test or its suite', () => {
    expect(Object.fromEntries(report.skipped.map(({ name, reason }) => [name, reason]))).toEqual({
      'skipped with a comment': 'needs a second machine',
      'skips itself': 'needs root',
      'group > inside': 'needs systemd',
    });
  });
});
