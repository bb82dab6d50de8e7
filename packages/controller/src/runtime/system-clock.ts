import type { Clock, Timer } from '@hauban/shared/time';

const timer = (handle: NodeJS.Timeout, clear: (handle: NodeJS.Timeout) => void): Timer => {
  // A waiting timer is no reason for the process to stay: what must finish is awaited.
  handle.unref();
  return { cancel: () => clear(handle) };
};

/** The machine's own clock. */
export const systemClock: Clock = {
  // eslint-disable-next-line no-restricted-properties -- the one place where the wall clock is read
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => timer(setTimeout(callback, delayMs), clearTimeout),
  every: (periodMs, callback) => timer(setInterval(callback, periodMs), clearInterval),
};
