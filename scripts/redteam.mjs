// `npm run redteam`: every claim of docs/threats.md put to its test at full size (HAUBAN_REDTEAM=full: 10,000 forged orders,
// permits and bundles with the executor restarted in between, 50 open shells, 1,000 mutations of an export), and what
// came of it as a table: attacker, what that must not achieve, the test, the result. The same tests run at a small size
// within `npm test`. `npm run redteam -- controller fuzz` runs only those projects.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles, statusOf } from './run-named-tests.mjs';
import { printStep, root, runNode } from './static-checks.mjs';
import { PROJECTS } from './vitest-projects.mjs';

const PAGE = 'docs/threats.md';
const ROW = /^\| (?<claim>[^|]+) \| `(?<file>[^`]+)`: (?<words>[^|]+) \|$/;
/** Of no single attacker, and of full size here too. */
const MORE_FILES = ['test/fuzz/parsers.test.ts', 'packages/controller/src/people/leaver-race.test.ts'];

/** `[{ attacker, claim, file, words }]`, in the order of the page. */
function readCells() {
  const cells = [];
  let attacker = '';
  for (const line of readFileSync(join(root, PAGE), 'utf8').split('\n')) {
    if (line.startsWith('## ')) attacker = line.slice(3).trim();
    const groups = ROW.exec(line)?.groups;
    if (groups === undefined || groups.claim.startsWith('must not')) continue;
    cells.push({ attacker, claim: groups.claim.trim(), file: groups.file, words: groups.words.trim() });
  }
  return cells;
}

/** The project of vitest.config.ts that a test file belongs to. */
function projectOf(file) {
  if (file.startsWith('test/')) return file.split('/')[1];
  return file.startsWith('packages/controller/') ? 'controller' : 'unit';
}

const RESULTS = { passed: 'holds', failed: 'BROKEN', 'not run': 'NOT RUN' };

function printTable(cells) {
  const width = (column) => Math.max(...cells.map((cell) => cell[column].length));
  const [claims, files] = [width('claim'), width('file')];
  let attacker = '';
  for (const cell of cells) {
    if (cell.attacker !== attacker) process.stdout.write(`\n${cell.attacker}\n`);
    attacker = cell.attacker;
    process.stdout.write(
      `  ${cell.result.padEnd(8)} ${cell.claim.padEnd(claims)}  ${cell.file.padEnd(files)}  ${cell.words}\n`,
    );
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PROJECTS.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`redteam: there is no project ${unknown.join(', ')}; the projects are ${PROJECTS.join(', ')}\n`);
  process.exit(2);
}
const isWanted = (file) => wanted.length === 0 || wanted.includes(projectOf(file));
const cells = readCells().filter(({ file }) => isWanted(file));
const files = [...new Set([...cells.map(({ file }) => file), ...MORE_FILES.filter(isWanted)])];
const startedAt = performance.now();
for (const script of ['scripts/setup-test.mjs', 'scripts/build.mjs']) {
  const result = await runNode([join(root, script)], { isLive: true, deadlineMs: 900_000 });
  printStep(script, result);
  if (!result.ok) process.exit(1);
}
const tests = [];
for (const project of PROJECTS) {
  const mine = files.filter((file) => projectOf(file) === project);
  if (mine.length > 0) tests.push(...(await runFiles(project, mine, { HAUBAN_REDTEAM: 'full' })));
}
const judged = cells.map((cell) => ({ ...cell, result: RESULTS[statusOf(tests, cell)] }));
const holding = judged.filter(({ result }) => result === 'holds').length;
const failed = tests.filter(({ status }) => status === 'failed');
printTable(judged);
for (const { file, name } of failed) process.stdout.write(`failed: ${file}: ${name}\n`);
process.stdout.write(
  `\n${new Set(judged.map(({ attacker }) => attacker)).size} attackers, ${judged.length} cells, ${holding} hold; ` +
    `${tests.length} tests, ${failed.length} failed; ${((performance.now() - startedAt) / 60_000).toFixed(1)} min\n`,
);
process.exitCode = holding === judged.length && failed.length === 0 ? 0 : 1;
