// Runs test files and tells of each test by its name, for the tables of redteam.mjs and attacks.mjs.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { printStep, root, runNode } from './static-checks.mjs';

const DEADLINE_MS = 3_600_000;

/** Runs these files of one project; `[{ file, name, status }]` of their tests, nothing when it never got to its end. */
export async function runFiles(project, files, env) {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-named-'));
  const output = join(folder, 'report.json');
  const result = await runNode(
    [
      join(root, 'scripts/plain-login.mjs'),
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--project', project, ...files],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${output}`],
    ],
    { isLive: true, deadlineMs: DEADLINE_MS, env },
  );
  const report = existsSync(output) ? JSON.parse(readFileSync(output, 'utf8')) : { testResults: [] };
  rmSync(folder, { recursive: true });
  printStep(project, result);
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ file: relative(root, name), name: test.fullName, status: test.status })),
  );
}

/** Of all tests of that file whose names hold these words; there has to be one. */
export function statusOf(tests, { file, words }) {
  const named = tests.filter((test) => test.file === file && test.name.includes(words));
  const failed = named.find(({ status }) => status !== 'passed');
  if (named.length === 0) return 'not run';
  return failed === undefined ? 'passed' : failed.status === 'failed' ? 'failed' : 'not run';
}
