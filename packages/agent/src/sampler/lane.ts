import { toScaled } from '@hauban/shared/metrics';
import { rawWidth } from '../collectors/index.ts';
import type { RawReadings, SeriesPlan } from './raw-readings.ts';

/**
 * Turns raw numbers into scaled values at one pace. There are two lanes: live frames (every tick) and stored ticks
 * (every 10 s), because a stored rate must be the mean of its 10 s even while somebody watches second by second.
 */
export interface Lane {
  readonly readings: RawReadings;
  /** Scaled integers in list order; overwritten by the next `derive`. */
  readonly scaled: Float64Array;
  /** Raw numbers and reading times (by collector) that the last `derive` took. */
  readonly lastRaw: Float64Array;
  readonly lastAtMs: Float64Array;
  /** Takes the readings as they are now. A collector that was not read since the last call keeps its values. */
  derive(): void;
}

/**
 * Lane over `readings`. `before` is the lane of the declaration before: counters that go on keep their last reading,
 * so that a device that comes or goes leaves no gap in the series of the others.
 */
export function createLane(readings: RawReadings, before?: Lane): Lane {
  const lastRaw = new Float64Array(readings.raw.length).fill(Number.NaN);
  const lastAtMs = new Float64Array(readings.readings.length).fill(Number.NaN);
  const scaled = new Float64Array(readings.plan.length).fill(Number.NaN);
  if (before !== undefined) inherit(readings, before, lastRaw, lastAtMs, scaled);
  return {
    readings,
    scaled,
    lastRaw,
    lastAtMs,
    derive: () => {
      readings.readings.forEach((reading, index) => {
        const sinceMs = reading.readAtMs - (lastAtMs[index] ?? Number.NaN);
        if (sinceMs === 0 || reading.readAtMs !== reading.readAtMs) return;
        for (let i = reading.firstSeries; i < reading.endSeries; i += 1) {
          const one = readings.plan[i];
          if (one !== undefined) scaled[i] = toScaled(valueOf(one, readings.raw, lastRaw, sinceMs / 1000), one.scale);
        }
        const rawAt = readings.plan[reading.firstSeries]?.rawAt ?? 0;
        lastRaw.set(reading.raw, rawAt);
        lastAtMs[index] = reading.readAtMs;
      });
    },
  };
}

/** A counter that went back began anew (reboot of a device, wrap): a gap, never a spike. */
function valueOf(one: SeriesPlan, raw: Float64Array, last: Float64Array, seconds: number): number {
  const now = raw[one.rawAt] ?? Number.NaN;
  if (one.from === 'level') return now;
  const growth = now - (last[one.rawAt] ?? Number.NaN);
  if (growth < 0) return Number.NaN;
  if (one.from === 'counter') return growth / seconds;
  const times = (raw[one.rawAt + 1] ?? Number.NaN) - (last[one.rawAt + 1] ?? Number.NaN);
  if (times < 0) return Number.NaN;
  return times === 0 ? 0 : growth / times;
}

function inherit(
  readings: RawReadings,
  before: Lane,
  lastRaw: Float64Array,
  lastAtMs: Float64Array,
  scaled: Float64Array,
): void {
  const old = new Map(before.readings.list.series.map((series, index) => [series.name, index]));
  readings.list.series.forEach(({ name }, index) => {
    const was = before.readings.plan[old.get(name) ?? -1];
    const is = readings.plan[index];
    if (was === undefined || is === undefined) return;
    for (let k = 0; k < rawWidth(is.from); k += 1) lastRaw[is.rawAt + k] = before.lastRaw[was.rawAt + k] ?? Number.NaN;
    scaled[index] = before.scaled[old.get(name) ?? -1] ?? Number.NaN;
  });
  // The same collectors in the same order, whatever they declare.
  lastAtMs.set(before.lastAtMs);
}
