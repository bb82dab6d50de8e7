import type { RingTick } from './live-ring.ts';

/** Steps that a graph may have, in seconds; each divides the next hour or day evenly. */
const STEPS_S = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

/** Which table answers a step without loss of what its points need. */
export type Source = 'chunks' | 'rollups' | 'hours';

export interface Grid {
  readonly stepMs: number;
  /** First bucket begins here. */
  readonly fromMs: number;
  readonly count: number;
  readonly source: Source;
}

/** The grid of at most `points` buckets over a range; `finestMs` is how often there are values at all. */
export function chooseGrid(fromMs: number, toMs: number, points: number, finestMs: number): Grid {
  const wantedMs = Math.max(finestMs, (toMs - fromMs) / points);
  const fits = (stepMs: number): boolean => Math.floor(toMs / stepMs) - Math.floor(fromMs / stepMs) + 1 <= points;
  const stepMs =
    (STEPS_S.find((step) => step * 1000 >= wantedMs && fits(step * 1000)) ??
      Math.ceil(wantedMs / 604_800_000 + 1) * 604_800) * 1000;
  const first = Math.floor(fromMs / stepMs) * stepMs;
  const source = stepMs < 300_000 ? 'chunks' : stepMs < 3_600_000 ? 'rollups' : 'hours';
  return { stepMs, fromMs: first, count: Math.floor(toMs / stepMs) - Math.floor(fromMs / stepMs) + 1, source };
}

/** Sums per bucket and series; a bucket without a sample is a gap. */
export interface Buckets {
  /** One sample. NaN is no sample. */
  add(series: number, timeMs: number, value: number): void;
  /** A rollup of `count` samples that began at `timeMs`. */
  addRollup(
    series: number,
    timeMs: number,
    rollup: { readonly count: number; readonly min: number; readonly mean: number; readonly max: number },
  ): void;
  means(series: number): (number | null)[];
  minima(series: number): (number | null)[];
  maxima(series: number): (number | null)[];
}

export function createBuckets(grid: Grid, seriesCount: number): Buckets {
  const size = grid.count * seriesCount;
  const sums = new Float64Array(size);
  const counts = new Float64Array(size);
  const min = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  const max = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);

  const indexOf = (series: number, timeMs: number): number => {
    const bucket = Math.floor((timeMs - grid.fromMs) / grid.stepMs);
    return bucket < 0 || bucket >= grid.count ? -1 : series * grid.count + bucket;
  };
  const column = (series: number, valueAt: (index: number) => number): (number | null)[] =>
    Array.from({ length: grid.count }, (_, bucket) => {
      const index = series * grid.count + bucket;
      return (counts[index] ?? 0) === 0 ? null : valueAt(index);
    });

  const addRollup: Buckets['addRollup'] = (series, timeMs, rollup) => {
    const index = indexOf(series, timeMs);
    if (index < 0 || rollup.count === 0) return;
    sums[index] = (sums[index] ?? 0) + rollup.mean * rollup.count;
    counts[index] = (counts[index] ?? 0) + rollup.count;
    min[index] = Math.min(min[index] ?? rollup.min, rollup.min);
    max[index] = Math.max(max[index] ?? rollup.max, rollup.max);
  };

  return {
    add: (series, timeMs, value) => {
      if (value === value) addRollup(series, timeMs, { count: 1, min: value, mean: value, max: value });
    },
    addRollup,
    means: (series) => column(series, (index) => tidy((sums[index] ?? 0) / (counts[index] ?? 1))),
    minima: (series) => column(series, (index) => tidy(min[index] ?? 0)),
    maxima: (series) => column(series, (index) => tidy(max[index] ?? 0)),
  };
}

/** Nine digits: no graph needs more, and 0.30000000000000004 is twice as long on the wire. */
const tidy = (value: number): number => Number(value.toPrecision(9));

/** Ticks of the ring that no stored stretch covers: what was measured since the last chunk, or while chunks are late. */
export function uncoveredTicks(
  ticks: readonly RingTick[],
  stored: readonly { readonly startMs: number; readonly endMs: number }[],
): RingTick[] {
  const oldestMs = ticks[0]?.timeMs ?? Number.POSITIVE_INFINITY;
  const near = stored.filter((stretch) => stretch.endMs >= oldestMs);
  return ticks.filter(
    (tick) => !near.some((stretch) => tick.timeMs >= stretch.startMs && tick.timeMs <= stretch.endMs),
  );
}
