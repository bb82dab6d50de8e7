/** Runs the measurements and prints them as one table; each is a ratio to a floor or a peer measured in the same run. */
import { runAuditBench } from './audit.bench.ts';
import type { BenchRow } from './bench-row.ts';
import { runFleetBench } from './fleet.bench.ts';
import { runLinkBench } from './link.bench.ts';
import { runMetricsBench } from './metrics.bench.ts';
import { runOrderBench } from './order.bench.ts';
import { runShellBench } from './shell.bench.ts';

const BENCHES: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  metrics: runMetricsBench,
  link: runLinkBench,
  order: runOrderBench,
  shell: runShellBench,
  audit: runAuditBench,
  fleet: runFleetBench,
};

const wanted = process.argv.slice(2);
const rows: BenchRow[] = [];
for (const [name, run] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`bench: ${name} …\n`);
  rows.push(...(await run()));
}
const figure = (value: number | undefined): string => (value === undefined ? '' : String(Number(value.toPrecision(4))));
for (const row of rows) {
  const ratio = row.ratio === undefined ? '' : `${figure(row.ratio)} x floor ${figure(row.floor)}`;
  const target = row.target === undefined ? '' : `target ${String(row.target)}`;
  process.stdout.write(
    `${row.name.padEnd(52)} ${figure(row.value).padStart(9)} ${row.unit.padEnd(10)} ${ratio.padEnd(24)} ${target.padEnd(22)} ${row.note ?? ''}\n`,
  );
}
