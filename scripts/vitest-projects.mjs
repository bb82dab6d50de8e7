/** Runs one project of vitest.config.ts and counts what happened. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printStep, root, runNode } from './static-checks.mjs';

/** In this order: what is quick and says most comes first. */
export const PROJECTS = ['unit', 'controller', 'arch', 'protocol', 'fuzz', 'integration', 'lab', 'chaos', 'ui'];

/** They open login shells on this machine itself; those of the lab run in file trees of their own. */
const WITH_LOGIN_SHELLS = ['protocol', 'fuzz', 'integration', 'ui'];

/** Only what takes longer is named beside its file: a log that is too long to keep loses its end, where the failures are. */
const SLOW_MS = 20_000;

/** A project that is not done by then hangs. */
const DEADLINE_MS = {
  unit: 600_000,
  controller: 900_000,
  arch: 600_000,
  protocol: 600_000,
  fuzz: 600_000,
  integration: 1_200_000,
  lab: 2_400_000,
  chaos: 1_200_000,
  ui: 1_200_000,
};

/** Two of its files run at a time on a machine that may be slow: one that fails so is asked again with nothing beside it. */
const ASKED_AGAIN_ALONE = 'lab';
/** More than so many are no accident. */
const MOST_ASKED_AGAIN = 6;

/** `{ passed, failed: [...], skipped: [...], unsteady: [...] }` of one project; never rejects. */
export async function runProject(name) {
  const startedAt = performance.now();
  const report = await runFiles(name, []);
  const files = [...new Set(report.failed.map(({ file }) => file))];
  const isAskedAgain =
    name === ASKED_AGAIN_ALONE && files.length > 0 && files.length <= MOST_ASKED_AGAIN && !files.includes('');
  const final = isAskedAgain ? withSecond(report, files, await askAgain(name, report, files)) : report;
  const seconds = (performance.now() - startedAt) / 1000;
  printStep(name, { ok: final.failed.length === 0, seconds }, countLine(final));
  return final;
}

async function askAgain(name, report, files) {
  printDetails({ failed: report.failed, skipped: [], unsteady: [] });
  process.stdout.write(`test: once more, one at a time: ${files.join(' ')}\n`);
  return await runFiles(name, ['--no-file-parallelism', ...files]);
}

/** The files that were asked again count as they ended alone; what failed before and not then is told. */
function withSecond(first, files, second) {
  const failsStill = new Set(second.failed.map(({ file, name }) => `${file} ${name}`));
  const before = files.reduce((sum, file) => sum + (first.passedIn[file] ?? 0), 0);
  return {
    passed: first.passed - before + second.passed,
    failed: second.failed,
    skipped: [...first.skipped.filter(({ file }) => !files.includes(file)), ...second.skipped],
    unsteady: first.failed.filter(({ file, name }) => !failsStill.has(`${file} ${name}`)),
  };
}

async function runFiles(name, more) {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-test-'));
  const reportFile = join(folder, 'report.json');
  const args = [
    ...(WITH_LOGIN_SHELLS.includes(name) ? [join(root, 'scripts/plain-login.mjs')] : []),
    join(root, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--project', name, '--passWithNoTests', '--includeTaskLocation', `--slowTestThreshold=${SLOW_MS}`],
    ...['--reporter=default', `--reporter=${join(root, 'scripts/count-reporter.mjs')}`, ...more],
  ];
  const result = await runNode(args, {
    isLive: true,
    deadlineMs: DEADLINE_MS[name],
    env: { HAUBAN_TEST_REPORT: reportFile },
  });
  const report = readReport(reportFile, name, result);
  rmSync(folder, { recursive: true });
  return report;
}

function readReport(file, name, result) {
  const empty = { passed: 0, passedIn: {}, failed: [], skipped: [], unsteady: [] };
  let report = empty;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    // No report: either there are no tests at all (status 0) or the run never got to its end, which the next lines count.
  }
  const { running, ...counts } = { ...empty, ...report };
  if (running === undefined && (result.ok || report.failed.length > 0)) return counts;
  const message = result.isLate
    ? `did not end in time, while there ran: ${running?.join('; ') || 'nothing'}`
    : `vitest ended with status ${result.status}; its output is above`;
  return { ...counts, failed: [...report.failed, { file: '', name: `project ${name}`, message }] };
}

export function countLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed.length} failed${skipped.length === 0 ? '' : `, ${skipped.length} skipped`}`;
}

/** What failed and what was skipped, with why; a message is cut at its first three lines. */
export function printDetails({ failed, skipped, unsteady }) {
  const short = (text) => text.trim().split('\n').slice(0, 3).join('\n        ');
  for (const { file, name, message } of unsteady)
    process.stdout.write(`failed beside another, passed alone: ${file}: ${name}\n        ${short(message)}\n`);
  for (const { file, name, message } of failed)
    process.stdout.write(`failed: ${file === '' ? '' : `${file}: `}${name}\n        ${short(message)}\n`);
  for (const [reason, tests] of groupByReason(skipped)) {
    process.stdout.write(`skipped (${reason}): ${tests.length}\n`);
    for (const { file, name } of tests) process.stdout.write(`        ${file}: ${name}\n`);
  }
}

function groupByReason(skipped) {
  const groups = new Map();
  for (const test of skipped) groups.set(test.reason, [...(groups.get(test.reason) ?? []), test]);
  return groups;
}
