/** The times that can be shown, in ms. `live`: the last minutes, moving. */
export const RANGES = {
  live: 10 * 60_000,
  '1h': 3_600_000,
  '6h': 6 * 3_600_000,
  '24h': 24 * 3_600_000,
  '7d': 7 * 86_400_000,
} as const;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES = ['live', '1h', '6h', '24h', '7d'] as const;

/** How often a range is read anew: about one new point. */
export const refreshMs = (range: Range): number => (range === 'live' ? 60_000 : Math.max(10_000, RANGES[range] / 400));
