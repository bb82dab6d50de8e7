import { createLineScanner } from './line-scanner.ts';
import type { ProcFile } from './proc-files.ts';

/** Values of a file in which a line of names is followed by a line of values (net/snmp, net/netstat). */
export interface PairedLines {
  /** By the order of the wanted names; NaN for one that the file does not have. Overwritten by the next read. */
  readonly values: Float64Array;
  /** Reads the file; false, and all NaN, when it is not there. */
  read(): boolean;
}

interface Pair {
  /** The line of names as it was when it was learnt. */
  readonly names: Buffer;
  /** For each column the index into `values`, or -1. */
  readonly slots: readonly number[];
}

/** Reader of wanted names, each as `Group.Name`. It learns the lines of names and compares their bytes from then on. */
export function createPairedLines(file: ProcFile, wanted: readonly string[]): PairedLines {
  const bySlot = new Map(wanted.map((name, slot) => [name, slot]));
  const values = new Float64Array(wanted.length).fill(Number.NaN);
  const pairs: Pair[] = [];
  const scanner = createLineScanner();

  const learn = (line: Buffer): Pair => {
    const [group = '', ...columns] = line.toString('latin1').trimEnd().split(' ');
    return {
      names: Buffer.from(line),
      slots: columns.map((column) => bySlot.get(`${group.replace(':', '.')}${column}`) ?? -1),
    };
  };

  return {
    values,
    read: () => {
      values.fill(Number.NaN);
      if (!scanner.start(file)) return false;
      let index = 0;
      do {
        const from = scanner.at;
        if (!scanner.nextLine()) break;
        let pair = pairs[index];
        if (pair === undefined || pair.names.compare(file.bytes, from, scanner.at) !== 0) {
          pair = learn(file.bytes.subarray(from, scanner.at));
          pairs[index] = pair;
        }
        index += 1;
        scanner.skipWord();
        for (const slot of pair.slots) {
          if (slot >= 0) values[slot] = scanner.number();
          else scanner.skipWord();
        }
      } while (scanner.nextLine());
      return true;
    },
  };
}
