import { titleOf, type Case } from './cases.ts';
import type { TracedRun } from './injection-node.ts';

interface Row {
  values: number;
  refused: number;
  harmless: number;
  wrong: number;
}

const labelOf = ({ door, name, spot }: Case): string => `${door} ${name} ${spot.join('/')}`;

/** Place by place: values, those refused before anything was started or changed, and those that did no harm. */
export function printRun(
  title: string,
  cases: readonly Case[],
  { outcomes, calls }: TracedRun,
  problems: readonly string[],
  isFull: boolean,
): void {
  const busy = new Set(
    calls.filter((call) => call.isOk && (call.isWrite || call.call.startsWith('exec'))).map((call) => call.case),
  );
  const rows = new Map<string, Row>();
  for (const [index, one] of cases.entries()) {
    const row = rows.get(labelOf(one)) ?? { values: 0, refused: 0, harmless: 0, wrong: 0 };
    rows.set(labelOf(one), row);
    row.values += 1;
    if (problems.some((problem) => problem.startsWith(`${titleOf(one)}: `))) row.wrong += 1;
    else if (outcomes[index]?.is === 'done' || busy.has(index)) row.harmless += 1;
    else row.refused += 1;
  }
  const line = (label: string, { values, refused, harmless, wrong }: Row): string =>
    `${label.padEnd(60)} ${[values, refused, harmless, wrong].map((count) => String(count).padStart(8)).join('')}\n`;
  const sum = [...rows.values()].reduce(
    (all, row) => ({
      values: all.values + row.values,
      refused: all.refused + row.refused,
      harmless: all.harmless + row.harmless,
      wrong: all.wrong + row.wrong,
    }),
    { values: 0, refused: 0, harmless: 0, wrong: 0 },
  );
  const head = `${title.padEnd(60)}   values refused harmless  wrong\n`;
  const body = isFull ? [...rows].map(([label, row]) => line(label, row)).join('') : '';
  process.stdout.write(`${head}${body}${line(`all ${rows.size} places`, sum)}`);
}
