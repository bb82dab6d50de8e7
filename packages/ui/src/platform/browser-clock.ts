import type { Clock, Random, Timer } from '@hauban/shared/time';

/** The real clock and randomness of a browser, handed to everything that waits or retries. */
export const browserClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback): Timer {
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  },
  every(periodMs, callback): Timer {
    const id = setInterval(callback, periodMs);
    return { cancel: () => clearInterval(id) };
  },
};

export const browserRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  unit: () => Math.random(),
};
