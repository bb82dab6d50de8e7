/**
 * One tick of all series, as differences to the tick before.
 *
 * Key frame:   0x10 | precision | list version (8 bytes) | sequence | time | count | code per series
 * Delta frame: 0x11 | list version (first 2 bytes) | sequence | time - time before | one bit per series | code per set bit
 *
 * Sequence, time (Unix ms), count and codes are varints. In a key frame a code is 0 for a gap, else zigzag(step) + 1.
 * In a delta frame the bit of a series is set when it changed; then 0 means that it became a gap, any other code is the
 * zigzag difference to the step before; after a gap it is zigzag(step) + 1 as in a key frame. A step is the scaled
 * integer itself (precision `exact`) or its place on the ladder of `scaling.ts` (precision `live`).
 *
 * The first frame of a connection and of a list is a key frame; a delta frame counts only directly after the frame
 * that it follows, so nothing can be decoded against a wrong state.
 */
export const KEY_FRAME = 0x10;
export const DELTA_FRAME = 0x11;
export const PRECISIONS = ['exact', 'live'] as const;
export type Precision = (typeof PRECISIONS)[number];

export const MAX_TIME_MS = 8_640_000_000_000_000;
/** A longer silence is bridged by a key frame. */
export const MAX_STEP_MS = 7 * 86_400_000;

/** The version of a list as 8 bytes. */
export const versionBytes = (version: string): Uint8Array =>
  Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(version.slice(i * 2, i * 2 + 2), 16));
