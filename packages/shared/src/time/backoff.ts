/**
 * Exponential backoff with full jitter: uniform in [0, min(capMs, baseMs * 2^attempt)].
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter spreads a fleet best).
 * @param attempt number of failures so far, from 0
 * @param unit a random number in [0, 1)
 * @returns milliseconds to wait
 */
export function fullJitterMs(attempt: number, unit: number, baseMs: number, capMs: number): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(unit * ceiling);
}
