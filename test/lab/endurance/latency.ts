/** Latencies as counts in buckets that are 4 % apart, as `site-load.mjs` reports them; they can be added up. */
export type LatencyBuckets = Readonly<Record<string, number>>;

const STEP = Math.log(1.04);

export function addCounts(
  one: Readonly<Record<string, number>>,
  two: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(two)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Upper end of the bucket in which that share of all lies, in ms; 0 without any. */
export function quantileMs(buckets: LatencyBuckets, share: number): number {
  const sorted = Object.entries(buckets)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([one], [two]) => one - two);
  const wanted = total(buckets) * share;
  let seen = 0;
  for (const [bucket, count] of sorted) {
    seen += count;
    if (seen >= wanted) return Math.exp(bucket * STEP) / 1000;
  }
  return 0;
}

/** That share of sorted or unsorted measurements. */
export const quantileOf = (values: readonly number[], share: number): number =>
  values.toSorted((one, two) => one - two)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
