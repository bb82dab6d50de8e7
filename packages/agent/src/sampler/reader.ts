import type { Clock } from '@hauban/shared/time';
import type { Collector } from '../collectors/index.ts';
import type { RawReadings, Reading } from './raw-readings.ts';

export interface ReaderDeps {
  readonly clock: Clock;
  onProblem(detail: string, cause?: unknown): void;
}

/** Reads the collectors that are due. */
export interface Reader {
  /** Everything, and starts every refresh: before the first tick. */
  readAll(readings: RawReadings): void;
  /** A tick between stored ones: only what is live. */
  readLive(readings: RawReadings): void;
  /** A stored tick. Slow collectors take turns, so that not all fall on one tick. */
  readStored(readings: RawReadings): void;
}

export function createReader(deps: ReaderDeps): Reader {
  const refreshing = new Set<Collector>();
  let storedTicks = 0;

  const refresh = (collector: Collector): void => {
    if (collector.refresh === undefined || refreshing.has(collector)) return;
    refreshing.add(collector);
    collector
      .refresh()
      .catch((error: unknown) => deps.onProblem(`collector ${collector.name} failed`, error))
      .finally(() => refreshing.delete(collector));
  };

  /** A collector that throws is a bug of ours; it costs its own series, not the tick. */
  const read = (reading: Reading, nowMs: number): void => {
    try {
      reading.collector.collect(reading.raw);
    } catch (error) {
      reading.raw.fill(Number.NaN);
      deps.onProblem(`collector ${reading.collector.name} failed`, error);
    }
    reading.readAtMs = nowMs;
  };

  return {
    readAll: ({ readings }) => {
      const nowMs = deps.clock.monotonicMs();
      for (const reading of readings) {
        refresh(reading.collector);
        read(reading, nowMs);
      }
    },
    readLive: ({ readings }) => {
      const nowMs = deps.clock.monotonicMs();
      for (const reading of readings) if (reading.collector.isLive) read(reading, nowMs);
    },
    readStored: ({ readings }) => {
      const nowMs = deps.clock.monotonicMs();
      storedTicks += 1;
      readings.forEach((reading, index) => {
        const { collector } = reading;
        const isDue = (storedTicks + index) % collector.everyTicks === 0;
        if (isDue) refresh(collector);
        if (isDue || collector.refresh !== undefined) read(reading, nowMs);
      });
    },
  };
}
