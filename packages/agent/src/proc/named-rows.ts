import { createLineScanner, type LineScanner } from './line-scanner.ts';
import type { ProcFile } from './proc-files.ts';

/** What a reading of a table found, besides the values that it handed on. */
export interface RowsFound {
  /** Declared rows that were there. */
  readonly present: number;
  /** True when a row was there that would be wanted and is not declared. */
  readonly hasNew: boolean;
}

/** A table with one device a line (diskstats, net/dev). */
export interface NamedRows {
  /** Names of all lines now, for declaring. */
  names(): string[];
  /** Calls `take` for each declared row, the scanner standing behind its name. Undefined when the file is not there. */
  read(declared: ReadonlyMap<string, number>, take: (row: number, scanner: LineScanner) => void): RowsFound | undefined;
}

interface Line {
  readonly bytes: Uint8Array;
  readonly name: string;
}

const COLON = Uint8Array.of(58);
const SPACE = Uint8Array.of(32);

/**
 * Reader of a table.
 * @param headLines lines before the table
 * @param wordsBefore words of a line before the name
 * @param isWanted rows that a declaration would take
 */
export function createNamedRows(
  file: ProcFile,
  headLines: number,
  wordsBefore: number,
  isWanted: (name: string) => boolean,
): NamedRows {
  const scanner = createLineScanner();
  const lines: Line[] = [];

  /** The name of the line where the scanner stands; known lines are compared, not decoded. */
  const nameAt = (index: number): string => {
    for (let i = 0; i < wordsBefore; i += 1) scanner.skipWord();
    scanner.skipBlanks();
    const known = lines[index];
    if (known !== undefined && scanner.take(known.bytes)) {
      // A longer name that begins alike is another device.
      if (scanner.take(COLON) || scanner.take(SPACE)) return known.name;
      const name = known.name + scanner.word();
      scanner.take(COLON);
      lines[index] = { bytes: Buffer.from(name, 'latin1'), name };
      return name;
    }
    const name = scanner.word();
    scanner.take(COLON);
    lines[index] = { bytes: Buffer.from(name, 'latin1'), name };
    return name;
  };

  const startTable = (): boolean => {
    if (!scanner.start(file)) return false;
    for (let i = 0; i < headLines; i += 1) if (!scanner.nextLine()) return false;
    return true;
  };

  return {
    names: () => {
      const names: string[] = [];
      if (!startTable()) return names;
      do names.push(nameAt(names.length));
      while (scanner.nextLine());
      return names.filter(isWanted);
    },
    read: (declared, take) => {
      if (!startTable()) return undefined;
      let present = 0;
      let hasNew = false;
      let index = 0;
      do {
        const name = nameAt(index);
        index += 1;
        const row = declared.get(name);
        if (row !== undefined) {
          present += 1;
          take(row, scanner);
        } else if (!hasNew && isWanted(name)) hasNew = true;
      } while (scanner.nextLine());
      return { present, hasNew };
    },
  };
}
