import { FakeClock } from '@hauban/shared/testing';
import type { Clock } from '@hauban/shared/time';
import { describe, expect, test } from 'vitest';
import { createTickSchedule, type Tick } from './tick-schedule.ts';

const START = 1_700_000_003_500;

function run(
  clock: FakeClock,
  seen: Clock = clock,
): { times: number[]; ticks: Tick[]; schedule: ReturnType<typeof createTickSchedule> } {
  const ticks: Tick[] = [];
  const times: number[] = [];
  const schedule = createTickSchedule(seen, (tick) => {
    ticks.push(tick);
    times.push((tick.timeMs - 1_700_000_000_000) / 1000);
  });
  return { times, ticks, schedule };
}

describe('ticks', () => {
  test('fall on whole multiples of the period, and stop leaves no timer', () => {
    const clock = new FakeClock(START);
    const { times, schedule } = run(clock);
    schedule.setPeriod(10_000);
    clock.advance(40_000);
    expect(times).toEqual([10, 20, 30, 40]);
    schedule.stop();
    expect(clock.pending).toBe(0);
  });

  test('change their pace at once', () => {
    const clock = new FakeClock(START);
    const { times, schedule } = run(clock);
    schedule.setPeriod(10_000);
    clock.advance(7000);
    schedule.setPeriod(1000);
    clock.advance(3000);
    schedule.setPeriod(1000);
    schedule.setPeriod(10_000);
    clock.advance(10_000);
    expect(times).toEqual([10, 11, 12, 13, 20]);
  });

  test('after a stall the missed ones are left out and the late one bears its real second', () => {
    const clock = new FakeClock(START);
    let stallMs = 0;
    const stalled: Clock = {
      nowMs: () => clock.nowMs() + stallMs,
      monotonicMs: () => clock.monotonicMs() + stallMs,
      after: (delayMs, callback) => clock.after(delayMs, callback),
      every: (periodMs, callback) => clock.every(periodMs, callback),
    };
    const { times, ticks, schedule } = run(clock, stalled);
    schedule.setPeriod(10_000);
    clock.advance(10_000);
    stallMs = 25_300;
    clock.advance(10_000);
    clock.advance(5000);
    expect(times).toEqual([10, 45, 50]);
    expect(ticks[1]?.lateMs).toBe(25_300);
  });

  test('a timer that fires early gives its tick once', () => {
    const clock = new FakeClock(START);
    const hasty: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => clock.after(delayMs - 2, callback),
      every: (periodMs, callback) => clock.every(periodMs, callback),
    };
    const { times, schedule } = run(clock, hasty);
    schedule.setPeriod(1000);
    clock.advance(3000);
    expect(times).toEqual([4, 5, 6]);
  });

  test.each([
    ['forward', 3_600_000, [10, 3620, 3630]],
    ['back', -3_600_000, [10, -3580, -3570]],
  ])('a wall clock that jumps %s is followed', (_, jumpMs, wanted) => {
    const clock = new FakeClock(START);
    const { times, schedule } = run(clock);
    schedule.setPeriod(10_000);
    clock.advance(7000);
    clock.jumpWall(jumpMs);
    clock.advance(20_000);
    expect(times).toEqual(wanted);
  });
});
