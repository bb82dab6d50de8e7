/**
 * Values travel and are stored as scaled integers; NaN stands for "not measured" (a gap) on both sides.
 * Integers beyond ±(2^51 - 1) are held at that bound, so that every difference of two stays exact.
 */
export const MAX_SCALED = 2 ** 51 - 1;

/** Stored integer of a value; NaN and infinities become a gap. */
export function toScaled(value: number, scale: number): number {
  const scaled = Math.round(value * scale);
  if (!Number.isFinite(scaled)) return Number.isFinite(value) ? Math.sign(value) * MAX_SCALED : Number.NaN;
  if (scaled > MAX_SCALED) return MAX_SCALED;
  if (scaled < -MAX_SCALED) return -MAX_SCALED;
  return scaled + 0; // -0 becomes 0
}

/** Value of a stored integer. */
export const fromScaled = (scaled: number, scale: number): number => scaled / scale;

const MANTISSA_BITS = 10;
const EXACT_BELOW = 2 ** MANTISSA_BITS;
const HALF = EXACT_BELOW / 2;

/**
 * Live frames carry integers of 1,024 and more on a logarithmic ladder of 512 steps an octave, off by at most 0.1 %:
 * a difference between two ticks then takes at most two bytes, whatever jumped. (The idea is that of HDR histograms.)
 */
export function toLadder(scaled: number): number {
  const size = Math.abs(scaled);
  if (size < EXACT_BELOW) return scaled;
  let shift =
    size < 0x80000000 ? 32 - Math.clz32(size) - MANTISSA_BITS : Math.floor(Math.log2(size)) + 1 - MANTISSA_BITS;
  if (size / 2 ** shift < HALF) shift -= 1;
  const code = Math.round(size / 2 ** shift) + shift * HALF;
  return scaled < 0 ? -code : code;
}

/** The integer of a step of the ladder. */
export function fromLadder(code: number): number {
  const size = Math.abs(code);
  if (size < EXACT_BELOW) return code;
  const shift = Math.floor(size / HALF) - 1;
  const scaled = (size - shift * HALF) * 2 ** shift;
  return code < 0 ? -scaled : scaled;
}

/** Highest step that a decoder accepts: that of `MAX_SCALED`. */
export const MAX_LADDER = toLadder(MAX_SCALED);
