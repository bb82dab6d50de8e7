import type { MetricReply } from '@hauban/shared/api';
import type { Line, Panel } from './panels.ts';
import type { SampleBuffer } from './sample-buffer.ts';

/** What a chart draws: seconds, then one column a line (already stacked or turned below zero). Pure. */
export interface ChartData {
  readonly times: readonly number[];
  readonly columns: readonly (readonly (number | null)[])[];
  /** The values as they were measured, for the legend. */
  readonly raw: readonly (readonly (number | null)[])[];
  readonly top: number | null;
}

/** No line is drawn over a hole longer than this many steps. */
const HOLE_STEPS = 3;

interface Rows {
  readonly times: number[];
  readonly columns: (number | null)[][];
}

/** History, then the live samples that are newer, with an empty row where time is missing between them. */
function joinRows(
  names: readonly string[],
  history: MetricReply | undefined,
  live: SampleBuffer | null,
  fromMs: number,
): Rows {
  const rows: Rows = { times: [], columns: names.map(() => []) };
  const firstLive = live?.times()[0] ?? Number.POSITIVE_INFINITY;
  const columns = names.map((name) => history?.series.find((series) => series.name === name)?.values);
  const add = (at: number, value: (column: number) => number | null | undefined): void => {
    rows.times.push(at / 1000);
    rows.columns.forEach((column, n) => column.push(value(n) ?? null));
  };
  history?.times.forEach((at, row) => {
    if (at >= fromMs && at < firstLive) add(at, (n) => columns[n]?.[row]);
  });
  if (live === null) return rows;
  const liveColumns = names.map((name) => live.values(name));
  let before = (rows.times.at(-1) ?? Number.NEGATIVE_INFINITY) * 1000;
  live.times().forEach((at, row) => {
    if (at < fromMs) return;
    const stepMs = row === 0 ? (history?.stepMs ?? 10_000) : 10_000;
    if (at - before > stepMs * HOLE_STEPS && rows.times.length > 0) add(before + 1, () => null);
    before = at;
    add(at, (n) => liveColumns[n]?.[row]);
  });
  return rows;
}

const lastValue = (column: readonly (number | null)[] | undefined): number | null =>
  column?.findLast((value) => value !== null) ?? null;

function stack(columns: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const sums: (number | null)[] = (columns[0] ?? []).map(() => null);
  return columns.map((column) =>
    column.map((value, row) => {
      if (value !== null) sums[row] = (sums[row] ?? 0) + value;
      return sums[row] ?? null;
    }),
  );
}

export function chartData(
  panel: Panel,
  lines: readonly Line[],
  history: MetricReply | undefined,
  live: SampleBuffer | null,
  fromMs: number,
): ChartData {
  const topName = typeof panel.max === 'string' ? panel.max : null;
  const names = [...lines.map((line) => line.name), ...(topName === null ? [] : [topName])];
  const rows = joinRows(names, history, live, fromMs);
  const raw = rows.columns.slice(0, lines.length);
  const drawn =
    panel.kind === 'stack'
      ? stack(raw)
      : raw.map((column, n) =>
          lines[n]?.isBelow === true ? column.map((value) => (value === null ? null : -value)) : column,
        );
  const top = typeof panel.max === 'number' ? panel.max : topName === null ? null : lastValue(rows.columns.at(-1));
  return { times: rows.times, columns: drawn, raw, top };
}

/** Is there anything but zero? */
export const hasFigures = (data: ChartData): boolean =>
  data.raw.some((column) => column.some((value) => value !== null && value !== 0));
export const isEmpty = (data: ChartData): boolean =>
  data.raw.every((column) => column.every((value) => value === null));
export const latestOf = (data: ChartData): (number | null)[] => data.raw.map((column) => lastValue(column));
