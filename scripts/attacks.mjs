// `npm run attacks`: every attack of docs/attacks.md on a node of the lab, beside the same attack on a stock set-up,
// which has to succeed there: else the test would prove nothing. Prints attack, what came of it there, what on our node.
// Ends with 1 when one succeeds on our node, or has no control that succeeds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles, statusOf } from './run-named-tests.mjs';
import { root } from './static-checks.mjs';

const PAGE = 'docs/attacks.md';
const ROW = /^\| (?<attack>[^|]+) \| `(?<file>[^`]+)`: (?<words>(?:\\\||[^|])+) \| (?<control>(?:\\\||[^|])*) \|$/;
const SAME = 'same test';

const plain = (cell) => cell.trim().replaceAll('\\|', '|');

/** `[{ attack, file, words, control }]`; a row that is none of that form is a fault of the page. */
function readAttacks() {
  const lines = readFileSync(join(root, PAGE), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && line.includes('.test.ts'));
  return rows.map((line) => {
    const groups = ROW.exec(line)?.groups;
    if (groups === undefined) throw new Error(`${PAGE}: this row has not three cells: ${line}`);
    const [words, control] = [plain(groups.words), plain(groups.control)];
    if (control === '') throw new Error(`${PAGE}: ${groups.attack} has no control`);
    return { attack: groups.attack.trim(), file: groups.file, words, control: control === SAME ? words : control };
  });
}

const OURS = { passed: 'refused', failed: 'SUCCEEDS', 'not run': 'NOT RUN' };
const STOCK = { passed: 'succeeds', failed: 'DOES NOT', 'not run': 'NOT RUN' };

const attacks = readAttacks();
const startedAt = performance.now();
const tests = await runFiles('lab', [...new Set(attacks.map(({ file }) => file))], {});
const judged = attacks.map((row) => ({
  ...row,
  stock: STOCK[statusOf(tests, { file: row.file, words: row.control })],
  ours: OURS[statusOf(tests, row)],
}));
const width = Math.max(...judged.map(({ attack }) => attack.length));
process.stdout.write(`\n${'attack'.padEnd(width)}  stock set-up  our node\n`);
for (const { attack, stock, ours } of judged)
  process.stdout.write(`${attack.padEnd(width)}  ${stock.padEnd(12)}  ${ours}\n`);
const good = judged.filter(({ stock, ours }) => stock === STOCK.passed && ours === OURS.passed).length;
process.stdout.write(
  `\n${judged.length} attacks; ${judged.filter(({ ours }) => ours === OURS.failed).length} succeed on our node, ` +
    `${judged.filter(({ stock }) => stock === STOCK.passed).length} on a stock one; ` +
    `${((performance.now() - startedAt) / 60_000).toFixed(1)} min\n`,
);
process.exitCode = good === judged.length && judged.length >= 30 ? 0 : 1;
