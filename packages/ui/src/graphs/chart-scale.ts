/** Scales of a chart: where they end and which steps are marked. Pure. */
const BYTE_STEPS = Array.from({ length: 51 }, (_, power) => 2 ** power);

/** Steps between marks, smallest first; bytes in powers of two so that marks read 512 MiB, not 477 MiB. */
export function stepsOf(unit: string): number[] | undefined {
  return unit.startsWith('bytes') ? BYTE_STEPS : undefined;
}

/** The least that a scale shows, so that noise around zero does not look like a mountain. */
const LEAST: Readonly<Record<string, number>> = {
  percent: 5,
  ratio: 0.05,
  bytes: 1024 * 1024,
  bytes_per_s: 1024,
  per_s: 1,
  count: 1,
};

export function scaleRange(
  unit: string,
  low: number | null,
  high: number | null,
  top: number | null,
): [number, number] {
  const least = LEAST[unit] ?? 1;
  const room = 1.05;
  const below = low !== null && low < 0 ? Math.min(low * room, -least) : 0;
  const above = top ?? Math.max((high ?? 0) * room, least);
  return [below, above];
}
