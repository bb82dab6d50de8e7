import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROOFS, type CaseReport } from './check-case.ts';

interface Row {
  readonly action: string;
  readonly cases: number;
  /** `done` or `done, N broken` for each proof. */
  readonly proofs: readonly string[];
  readonly steps: number;
  readonly killedAt: number;
  readonly slowestSettleMs: number;
}

function rowOf(action: string, reports: readonly CaseReport[]): Row {
  const steps = Math.max(0, ...reports.map((report) => report.steps));
  return {
    action,
    cases: reports.length,
    proofs: PROOFS.map((proof) => {
      const done = reports.filter((report) => report.done.includes(proof)).length;
      const broken = reports.filter(({ problems }) => problems.some((one) => one.proof === proof)).length;
      return broken === 0 ? (done === 0 ? '-' : String(done)) : `${done}, ${broken} broken`;
    }),
    steps,
    killedAt: new Set(reports.flatMap(({ killedAt }) => killedAt)).size,
    slowestSettleMs: Math.round(Math.max(0, ...reports.map((report) => report.slowestSettleMs))),
  };
}

/** Action, cases, how many of them made each proof, at how many of its steps it was killed, how long it settled. */
export function tableOf(reports: readonly CaseReport[]): string {
  const actions = [...new Set(reports.map(({ action }) => action))];
  const rows = actions.map((action) =>
    rowOf(
      action,
      reports.filter((report) => report.action === action),
    ),
  );
  const head = [
    'action',
    'cases',
    'plan = change',
    'twice',
    'undo',
    'verify fails',
    'kill -9',
    'killed at',
    'settled in',
  ];
  const lines = rows.map((row) => [
    row.action,
    String(row.cases),
    ...row.proofs,
    `${row.killedAt} of ${row.steps} steps`,
    `${row.slowestSettleMs} ms`,
  ]);
  const broken = reports.filter(({ problems }) => problems.length > 0).length;
  const deaths = reports.reduce((sum, { killedAt }) => sum + killedAt.length, 0);
  const last = `${actions.length} actions, ${reports.length} cases, ${deaths} deaths; ${broken} cases broken`;
  const width = (column: number): number => Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0));
  const text = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(width(column))).join(' | ')} |`;
  const rule = `| ${head.map((_, column) => '-'.repeat(width(column))).join(' | ')} |`;
  return [text(head), rule, ...lines.map(text), '', last, ''].join('\n');
}

interface Results {
  /** How many cases were asked for; null: one of each action that is not dear. */
  readonly cases: number | null;
  readonly reports: readonly CaseReport[];
}

/** `catalogue.md` for people, `catalogue.json` with each case and its seed. */
export function writeResults(folder: string, cases: number | null, reports: readonly CaseReport[]): void {
  const results: Results = { cases, reports };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'catalogue.md'), tableOf(reports));
  writeFileSync(join(folder, 'catalogue.json'), `${JSON.stringify(results, null, 1)}\n`);
}

/** What an earlier run of the same size has proven; broken cases are made again. */
export function loadReports(folder: string, cases: number): readonly CaseReport[] {
  const file = join(folder, 'catalogue.json');
  if (!existsSync(file)) return [];
  const results = JSON.parse(readFileSync(file, 'utf8')) as Partial<Results>;
  return results.cases === cases ? (results.reports ?? []).filter(({ problems }) => problems.length === 0) : [];
}
