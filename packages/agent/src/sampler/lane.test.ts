import { describe, expect, test } from 'vitest';
import type { Collector, RawSeries } from '../collectors/index.ts';
import { createLane } from './lane.ts';
import { declareReadings, type RawReadings } from './raw-readings.ts';

/** A collector whose series and numbers the test sets. */
function collectorOf(series: readonly RawSeries[]): Collector & { now: readonly RawSeries[] } {
  const collector = {
    name: 'made',
    family: 'disk' as const,
    everyTicks: 1,
    isLive: true,
    now: series,
    series: () => collector.now,
    collect: () => undefined,
  };
  return collector;
}

const rowsOf = (...disks: string[]): RawSeries[] =>
  disks.flatMap((disk) => [
    { name: `disk.${disk}.in_flight`, from: 'level' } as const,
    { name: `disk.${disk}.reads_per_s`, from: 'counter' } as const,
    { name: `disk.${disk}.read_wait_ms`, from: 'mean' } as const,
  ]);

function read(readings: RawReadings, atMs: number, ...raw: number[]): void {
  readings.readings.forEach((reading) => {
    reading.raw.set(raw);
    reading.readAtMs = atMs;
  });
}

describe('lanes', () => {
  test('levels stand, counters become rates per second, means are growth by growth', () => {
    const readings = declareReadings([collectorOf(rowsOf('sda'))]);
    const lane = createLane(readings);
    read(readings, 1000, 7, 100, 50, 10);
    lane.derive();
    expect([...lane.scaled]).toEqual([7, Number.NaN, Number.NaN]);
    read(readings, 11_000, 8, 205, 80, 14);
    lane.derive();
    expect([...lane.scaled]).toEqual([8, 105, 750]);
  });

  test('a counter that went back is a gap and then goes on: a reset is never a spike', () => {
    const readings = declareReadings([collectorOf(rowsOf('sda'))]);
    const lane = createLane(readings);
    const rates: (number | undefined)[] = [];
    for (const [tick, raw] of [1e15, 1e15 + 50, 10, 60].entries()) {
      read(readings, tick * 10_000, 0, raw, raw, raw);
      lane.derive();
      rates.push(lane.scaled[1]);
    }
    expect(rates).toEqual([Number.NaN, 50, Number.NaN, 50]);
  });

  test('a mean of no requests is 0; a number that could not be read is a gap for two ticks', () => {
    const readings = declareReadings([collectorOf(rowsOf('sda'))]);
    const lane = createLane(readings);
    const means: (number | undefined)[] = [];
    for (const [tick, raw] of [5, 5, Number.NaN, 7, 8].entries()) {
      read(readings, tick * 10_000, 0, 0, raw * 3, raw);
      lane.derive();
      means.push(lane.scaled[2]);
    }
    expect(means).toEqual([Number.NaN, 0, Number.NaN, Number.NaN, 300]);
  });

  test('a collector that was not read keeps its values', () => {
    const readings = declareReadings([collectorOf(rowsOf('sda'))]);
    const lane = createLane(readings);
    read(readings, 0, 1, 0, 0, 0);
    lane.derive();
    read(readings, 10_000, 1, 10, 0, 0);
    lane.derive();
    lane.derive();
    expect(lane.scaled[1]).toBe(10);
  });

  test('two lanes at two paces give the rates of their own times', () => {
    const readings = declareReadings([collectorOf(rowsOf('sda'))]);
    const [live, stored] = [createLane(readings), createLane(readings)];
    let raw = 0;
    for (let second = 0; second <= 10; second += 1) {
      raw += second === 10 ? 1000 : 0;
      read(readings, second * 1000, 0, raw, 0, 0);
      live.derive();
      if (second % 10 === 0) stored.derive();
    }
    expect(live.scaled[1]).toBe(10_000);
    expect(stored.scaled[1]).toBe(1000);
  });

  test('a new device leaves no gap in the series of the others', () => {
    const collector = collectorOf(rowsOf('sdb'));
    const before = declareReadings([collector]);
    const old = createLane(before);
    read(before, 0, 1, 500, 0, 0);
    old.derive();
    collector.now = rowsOf('sda', 'sdb');
    const after = declareReadings([collector]);
    const lane = createLane(after, old);
    expect([...lane.scaled].slice(3)).toEqual([...old.scaled]);
    read(after, 10_000, 0, 1_000_000, 0, 0, 2, 600, 0, 0);
    lane.derive();
    expect(lane.scaled[1]).toBeNaN();
    expect(lane.scaled[4]).toBe(100);
  });
});
