import type { ChaosCase, Target } from './plan-chaos.ts';
import { TARGETS } from './plan-chaos.ts';

/** How one kill went. */
export interface CaseReport extends ChaosCase {
  readonly round: number;
  readonly orderId: string;
  readonly outcome: string;
  readonly code: string | null;
  /** From the kill to the outcome in the client's hands. */
  readonly settledMs: number;
  /** Times that POST /api/runs was sent until it was answered. */
  readonly posts: number;
  /** What is wrong; empty is well. */
  readonly problems: readonly string[];
}

export interface ShellReport {
  readonly round: number;
  readonly sessionId: string;
  readonly lines: number;
  /** Times that the viewer came back. */
  readonly attached: number;
  readonly ending: string;
  readonly problems: readonly string[];
}

export interface ChaosReport {
  readonly seed: number;
  readonly cases: readonly CaseReport[];
  readonly shells: readonly ShellReport[];
  readonly metrics: { readonly ticks: number; readonly missing: number; readonly problems: readonly string[] };
  readonly audit: { readonly rows: number; readonly problems: readonly string[] };
  readonly journal: { readonly orders: number; readonly problems: readonly string[] };
  readonly tookMs: number;
}

/** The driver's last line of output begins with this. */
export const REPORT_MARK = 'CHAOS-REPORT ';

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const seconds = (ms: number): string => (Number.isNaN(ms) ? '-' : (ms / 1000).toFixed(2));

function outcomesOf(cases: readonly CaseReport[]): string {
  const counts = new Map<string, number>();
  for (const { outcome, code } of cases) {
    const name = code === null ? outcome : `${outcome} ${code}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

/** For a person: a row a target, then what the whole was. */
export function chaosTable(report: ChaosReport): string {
  const row = (target: Target): string => {
    const cases = report.cases.filter((one) => one.target === target);
    const times = cases.map(({ settledMs }) => settledMs);
    const columns = [
      target.padEnd(12),
      String(cases.length).padStart(5),
      seconds(quantile(times, 0.5)).padStart(10),
      seconds(quantile(times, 1)).padStart(8),
      String(cases.filter(({ posts }) => posts > 1).length).padStart(7),
    ];
    return `${columns.join(' ')}   ${outcomesOf(cases)}`;
  };
  const lines = report.shells.reduce((sum, shell) => sum + shell.lines, 0);
  const returns = report.shells.reduce((sum, shell) => sum + shell.attached - 1, 0);
  return [
    `kill -9 in the middle of an action and of a shell, seed ${report.seed}, ${seconds(report.tookMs)} s`,
    `${'target'.padEnd(12)} kills settled p50      max  resent   outcomes`,
    ...TARGETS.map(row),
    `shells: ${report.shells.length}, counter lines ${lines}, viewer came back ${returns} times, endings: ${[...new Set(report.shells.map(({ ending }) => ending))].join(', ')}`,
    `metrics: ${report.metrics.ticks} ticks stored, ${report.metrics.missing} missing while the link process was dead`,
    `audit chain: ${report.audit.rows} rows; order journal: ${report.journal.orders} orders`,
  ].join('\n');
}

/** Everything that is wrong, each with what is needed to do it again. */
export function chaosProblems(report: ChaosReport): string[] {
  return [
    ...report.cases.flatMap(({ problems, round, target, action, moment }) =>
      problems.map(
        (problem) => `seed ${report.seed} round ${round} ${target} during ${action} at ${moment}: ${problem}`,
      ),
    ),
    ...report.shells.flatMap(({ problems, round, sessionId }) =>
      problems.map((problem) => `seed ${report.seed} round ${round} shell ${sessionId}: ${problem}`),
    ),
    ...report.metrics.problems.map((problem) => `metrics: ${problem}`),
    ...report.audit.problems.map((problem) => `audit: ${problem}`),
    ...report.journal.problems.map((problem) => `journal: ${problem}`),
  ];
}
