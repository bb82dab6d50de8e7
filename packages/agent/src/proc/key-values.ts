import { createLineScanner } from './line-scanner.ts';
import type { ProcFile } from './proc-files.ts';

/** Values of a file of the form `key value` or `key: value unit`, one a line (meminfo, vmstat). */
export interface KeyValues {
  /** By the order of the wanted keys; NaN for a key that the file does not have. Overwritten by the next read. */
  readonly values: Float64Array;
  /** Reads the file; false, and all NaN, when it is not there. */
  read(): boolean;
}

interface Line {
  readonly key: Uint8Array;
  /** Index into `values`, or -1 for a key that nobody wants. */
  readonly slot: number;
}

/**
 * Reader of the wanted keys. It learns the order of the lines and from then on only compares bytes; a line that has
 * another key than last time is learnt again.
 */
export function createKeyValues(file: ProcFile, keys: readonly string[]): KeyValues {
  const slots = new Map(keys.map((key, slot) => [key, slot]));
  const values = new Float64Array(keys.length).fill(Number.NaN);
  const lines: Line[] = [];
  const scanner = createLineScanner();

  const learn = (index: number): Line => {
    const name = scanner.word();
    // The key with the byte behind it, so that `Active` is not taken for `Active(anon)`.
    const line = {
      key: Buffer.from(`${name}${String.fromCharCode(file.bytes[scanner.at] ?? 10)}`, 'latin1'),
      slot: slots.get(name) ?? -1,
    };
    lines[index] = line;
    return line;
  };

  return {
    values,
    read: () => {
      values.fill(Number.NaN);
      if (!scanner.start(file)) return false;
      let index = 0;
      do {
        const known = lines[index];
        let slot = known?.slot ?? -1;
        if (known === undefined || !scanner.take(known.key)) {
          slot = learn(index).slot;
          if (file.bytes[scanner.at] === 58) scanner.take(COLON);
        }
        if (slot >= 0) values[slot] = scanner.number();
        index += 1;
      } while (scanner.nextLine());
      return true;
    },
  };
}

const COLON = Uint8Array.of(58);
