import type { Clock, Timer } from '@hauban/shared/time';

/** A moment at which everything is sampled. */
export interface Tick {
  /** The time that the values bear: the due time, or the whole second in which a late tick really ran. */
  readonly timeMs: number;
  readonly lateMs: number;
}

export interface TickSchedule {
  /** Begins, or changes the pace: ticks fall on whole multiples of `periodMs` of the wall clock. */
  setPeriod(periodMs: number): void;
  stop(): void;
}

/** A tick that is later than this bears its real time, rounded down to the second. */
const TOLERANCE_MS = 500;

/** Calls `onTick` at every multiple of the period. After a stall the missed ticks are left out: they were not measured. */
export function createTickSchedule(clock: Clock, onTick: (tick: Tick) => void): TickSchedule {
  let periodMs = 0;
  let timer: Timer | undefined;

  const plan = (dueBeforeMs: number): void => {
    const nowMs = clock.nowMs();
    // A timer may fire a little early: count on from the due time, or its tick would come twice. After a jump of the wall clock count from now.
    const fromMs = Math.abs(nowMs - dueBeforeMs) < TOLERANCE_MS ? Math.max(nowMs, dueBeforeMs) : nowMs;
    const dueMs = (Math.floor(fromMs / periodMs) + 1) * periodMs;
    timer = clock.after(dueMs - nowMs, () => {
      const firedMs = clock.nowMs();
      const isOnTime = Math.abs(firedMs - dueMs) < TOLERANCE_MS;
      onTick({ timeMs: isOnTime ? dueMs : Math.floor(firedMs / 1000) * 1000, lateMs: Math.max(0, firedMs - dueMs) });
      if (timer !== undefined) plan(dueMs);
    });
  };

  const stop = (): void => {
    timer?.cancel();
    timer = undefined;
  };

  return {
    setPeriod: (wantedMs) => {
      if (timer !== undefined && wantedMs === periodMs) return;
      stop();
      periodMs = wantedMs;
      plan(Number.NaN);
    },
    stop,
  };
}
