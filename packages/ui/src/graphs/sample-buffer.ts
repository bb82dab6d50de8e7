/** The newest live samples of one node: columns by series name, oldest first, at most `capacity` rows. Pure. */
export interface SampleBuffer {
  readonly push: (at: number, names: readonly string[], values: readonly (number | null)[]) => void;
  readonly times: () => readonly number[];
  /** Values beside `times()`; null where the series was not in the sample. */
  readonly values: (name: string) => readonly (number | null)[];
}

export function createSampleBuffer(capacity: number): SampleBuffer {
  const times: number[] = [];
  const columns = new Map<string, (number | null)[]>();
  return {
    push(at, names, values) {
      const last = times.at(-1);
      // A repeated or older sample (a second subscription, a clock set back) is left out: time only goes on.
      if (last !== undefined && at <= last) return;
      times.push(at);
      for (const [index, name] of names.entries()) {
        const column = columns.get(name) ?? Array.from({ length: times.length - 1 }, () => null);
        column.push(values[index] ?? null);
        columns.set(name, column);
      }
      for (const column of columns.values()) if (column.length < times.length) column.push(null);
      if (times.length <= capacity) return;
      times.shift();
      for (const column of columns.values()) column.shift();
    },
    times: () => times,
    values: (name) => columns.get(name) ?? times.map(() => null),
  };
}
