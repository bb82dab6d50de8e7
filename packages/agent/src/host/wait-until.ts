import type { Clock } from '@hauban/shared/time';

/** Resolves after a time; the clock is ours or a test's. */
const sleep = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(delayMs, resolve));

/** Asks until the answer is not null, at short intervals; null when the time is over. */
export async function waitUntil<T>(
  clock: Clock,
  timeoutMs: number,
  ask: () => Promise<T | null>,
  everyMs = 20,
): Promise<T | null> {
  const endMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (clock.monotonicMs() >= endMs) return null;
    await sleep(clock, everyMs);
  }
}
