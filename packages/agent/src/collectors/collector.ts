import type { Family } from '@hauban/shared/metrics';

/**
 * How a series comes from what a collector reads. `level`: as it is. `counter`: growth per second since the reading
 * before; a counter that went back is a gap. `mean`: growth of one counter divided by the growth of a second one (mean
 * time of a request); 0 when the second did not grow.
 */
export type Derivation = 'level' | 'counter' | 'mean';

export interface RawSeries {
  /** A name of the catalogue. */
  readonly name: string;
  readonly from: Derivation;
}

/** Raw numbers that a series takes: a mean needs two counters. */
export const rawWidth = (from: Derivation): number => (from === 'mean' ? 2 : 1);

/** Reads one thing of the machine. It keeps no rates: the sampler derives them, at its own two paces. */
export interface Collector {
  /** The name of its file. */
  readonly name: string;
  readonly family: Family;
  /** Ticks of 10 s between two readings; more than 1 for what costs more than it tells. */
  readonly everyTicks: number;
  /** Does it also read at the ticks of 1 s of a watched node? */
  readonly isLive: boolean;
  /** Looks at what there is now and declares it. `collect` keeps to this until it is asked again. */
  series(): readonly RawSeries[];
  /**
   * Writes the raw numbers in the order of the declared series; NaN for what can not be read. Allocates nothing
   * to speak of, starts no program, waits for nothing.
   */
  collect(out: Float64Array): void;
  /** True when the last `collect` saw a device come or go: the sampler will ask for `series` again. */
  isStale?(): boolean;
  /**
   * For what can not be read at once (statfs, the message bus). Started every `everyTicks`, never twice at a time;
   * `collect` is then called at every tick and gives what the last one found.
   */
  refresh?(): Promise<void>;
}

/** Series that do not depend on devices. */
export const fixedSeries = (
  family: Family,
  rows: readonly (readonly [metric: string, from: Derivation])[],
): readonly RawSeries[] => rows.map(([metric, from]) => ({ name: `${family}.${metric}`, from }));
