import { randomBytes } from 'node:crypto';
import type { Clock, Random, Timer } from '@hauban/shared/time';

const timer = (cancel: () => void): Timer => ({ cancel });

/** The machine's clock. Made once in each composition root and handed down. */
export const systemClock: Clock = {
  // oxlint-disable-next-line no-restricted-properties -- this is the Clock that everything else takes as an argument
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const handle = setTimeout(callback, delayMs);
    return timer(() => clearTimeout(handle));
  },
  every: (periodMs, callback) => {
    const handle = setInterval(callback, periodMs);
    return timer(() => clearInterval(handle));
  },
};

/** The kernel's randomness, fit for keys. */
export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  unit: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
