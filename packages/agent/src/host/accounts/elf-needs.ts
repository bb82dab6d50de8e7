/**
 * What a program or library of Linux names of others, read from its own file (ELF: System V gABI, chapter 5). Nothing is
 * run for it: `ldd` starts the program's own loader, and so whatever a hostile file names as that. Pure.
 */
export interface ElfNeeds {
  /** The loader; null for a library. */
  readonly interpreter: string | null;
  readonly needed: readonly string[];
  /** Folders of its own that libraries are looked for in. */
  readonly runPath: string | null;
}

const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const [CLASS_64, LITTLE_ENDIAN] = [2, 1];
const SEGMENT = { load: 1, dynamic: 2, interpreter: 3 } as const;
const TAG = { end: 0, needed: 1, stringTable: 5, rPath: 15, runPath: 29 } as const;
const MOST_SEGMENTS = 200;
const MOST_TAGS = 2000;
const NAME_BYTES = 4096;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

class Reader {
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(offset: number, size: 2 | 4 | 8): number {
    if (offset < 0 || offset + size > this.#bytes.length) throw new RangeError('beyond the end');
    if (size === 8) {
      const value = this.#bytes.readBigUInt64LE(offset);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('too large');
      return Number(value);
    }
    return this.#bytes.readUIntLE(offset, size);
  }

  text(offset: number): string {
    if (offset < 0 || offset >= this.#bytes.length) throw new RangeError('beyond the end');
    const end = this.#bytes.indexOf(0, offset);
    if (end < 0 || end - offset > NAME_BYTES) throw new RangeError('a text without end');
    return this.#bytes.toString('latin1', offset, end);
  }
}

function segmentsOf(reader: Reader): readonly Segment[] {
  const [table, entryBytes, count] = [reader.number(32, 8), reader.number(54, 2), reader.number(56, 2)];
  if (entryBytes < 56 || count > MOST_SEGMENTS) throw new RangeError('a strange table of segments');
  return Array.from({ length: count }, (_, at) => {
    const start = table + at * entryBytes;
    return {
      type: reader.number(start, 4),
      offset: reader.number(start + 8, 8),
      address: reader.number(start + 16, 8),
      size: reader.number(start + 32, 8),
    };
  });
}

/** Tags with their values, without those that need more than 53 bits. */
function dynamicOf(reader: Reader, { offset, size }: Segment): readonly (readonly [tag: number, value: number])[] {
  const tags: [number, number][] = [];
  for (let at = offset; at + 16 <= offset + size && tags.length < MOST_TAGS; at += 16) {
    const [low, high] = [reader.number(at, 4), reader.number(at + 4, 4)];
    if (low === TAG.end && high === 0) break;
    if (high === 0) tags.push([low, reader.number(at + 8, 8)]);
  }
  return tags;
}

/** Null: it is no program or library that this kind of machine runs (64 bits, little endian). */
export function readElfNeeds(bytes: Buffer): ElfNeeds | null {
  if (bytes.length < 64 || !bytes.subarray(0, 4).equals(MAGIC)) return null;
  if (bytes[4] !== CLASS_64 || bytes[5] !== LITTLE_ENDIAN) return null;
  const reader = new Reader(bytes);
  try {
    const segments = segmentsOf(reader);
    const loader = segments.find(({ type }) => type === SEGMENT.interpreter);
    const dynamic = segments.find(({ type }) => type === SEGMENT.dynamic);
    const interpreter = loader === undefined ? null : reader.text(loader.offset);
    if (dynamic === undefined) return { interpreter, needed: [], runPath: null };
    const tags = dynamicOf(reader, dynamic);
    const address = tags.find(([tag]) => tag === TAG.stringTable)?.[1] ?? -1;
    const home = segments.find(
      (one) => one.type === SEGMENT.load && address >= one.address && address < one.address + one.size,
    );
    if (home === undefined) return null;
    const textAt = (value: number): string => reader.text(home.offset + address - home.address + value);
    const path = tags.find(([tag]) => tag === TAG.runPath) ?? tags.find(([tag]) => tag === TAG.rPath);
    return {
      interpreter,
      needed: tags.filter(([tag]) => tag === TAG.needed).map(([, value]) => textAt(value)),
      runPath: path === undefined ? null : textAt(path[1]),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
