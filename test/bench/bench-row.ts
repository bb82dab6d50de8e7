/** One line of a benchmark's table. A figure without something to compare it with says little: give floor or target. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same thing done by the barest means, measured in the same run. */
  readonly floor?: number;
  /** value / floor, or as the note says. */
  readonly ratio?: number;
  /** What we want to stay under; in words where it is not simply a bound of `value`. */
  readonly target?: number | string;
  readonly note?: string;
}
