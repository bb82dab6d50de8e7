import type { WindowRow } from '@hauban/shared/api';
import { nextTimes } from '../../parts/next-times.ts';

export interface Span {
  readonly from: number;
  readonly until: number;
}

const MINUTE_MS = 60_000;
/** More cannot be told apart in the picture. */
const MOST = 400;

/** When the window is, as far as it lies between two times, cut off at them. */
export function spansBetween(window: WindowRow, from: number, until: number): Span[] {
  const { cron, zone, durationMinutes } = window;
  const lengthMs = (durationMinutes ?? 0) * MINUTE_MS;
  const whole: readonly Span[] =
    cron === null
      ? [{ from: window.from ?? 0, until: window.until ?? 0 }]
      : nextTimes(cron, zone, from - lengthMs - 1, MOST).map((at) => ({ from: at, until: at + lengthMs }));
  return whole
    .filter((span) => span.until > from && span.from < until)
    .map((span) => ({ from: Math.max(span.from, from), until: Math.min(span.until, until) }));
}
