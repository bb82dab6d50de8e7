import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '@hauban/shared/time';

/** The operating system's randomness. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  unit: () => randomInt(2 ** 47) / 2 ** 47,
};
