import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { HaubanError } from '@hauban/shared/errors';
import { fileFailed, openNew, syncFolder, writeAll } from './write-durably.ts';

/** Where a record lies; valid until the next `replace`. */
export interface RecordPlace {
  readonly offset: number;
  readonly length: number;
}

export interface StoredRecord {
  readonly place: RecordPlace;
  readonly value: unknown;
}

/**
 * What was wrong with a file when it was opened. `torn`: the last record was cut off by a crash while it was being
 * written; it was never synced, so nothing had been built on it. `corrupt`: a record before the end is damaged; the
 * file was kept aside under `keptAs` for a person to look at.
 */
export type JournalDamage =
  | { readonly kind: 'none' }
  | { readonly kind: 'torn'; readonly bytes: number }
  | { readonly kind: 'corrupt'; readonly records: number; readonly keptAs: string };

/**
 * An append-only file of JSON records, one a line: CRC-32 of the JSON (8 hex digits), a space, the JSON. A person can
 * read it with a pager. `append` reaches the page cache, which survives the end of this process; `sync` reaches the disk.
 * One process at a time; the owner closes it.
 */
export interface JournalFile {
  readonly sizeBytes: number;
  append(value: unknown): RecordPlace;
  /** All that was appended before the call is on disk when it resolves. Calls at the same time share one fdatasync. */
  sync(): Promise<void>;
  read(place: RecordPlace): unknown;
  /** Replaces the whole file by these records, at once and durably. */
  replace(values: readonly unknown[]): readonly RecordPlace[];
  close(): void;
}

export interface OpenedJournal {
  readonly file: JournalFile;
  readonly records: readonly StoredRecord[];
  readonly damage: JournalDamage;
}

const PREFIX = 9;

function encodeRecord(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value), 'utf8');
  return Buffer.concat([
    Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} `, 'latin1'),
    json,
    Buffer.from('\n'),
  ]);
}

/** Null when the line is not a whole record. */
function decodeRecord(line: Buffer): { readonly value: unknown } | null {
  const json = line.subarray(PREFIX);
  if (line[PREFIX - 1] !== 0x20 || crc32(json).toString(16).padStart(8, '0') !== line.toString('latin1', 0, PREFIX - 1))
    return null;
  try {
    return { value: JSON.parse(json.toString('utf8')) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

interface Scanned {
  readonly records: readonly StoredRecord[];
  /** Damaged lines that are followed by others. */
  readonly corrupt: number;
  /** End of the last line that belongs to the file. */
  readonly end: number;
}

function scan(bytes: Buffer): Scanned {
  const records: StoredRecord[] = [];
  let corrupt = 0;
  let lastIsBad = false;
  let offset = 0;
  for (let next = bytes.indexOf(10, offset); next !== -1; next = bytes.indexOf(10, offset)) {
    if (lastIsBad) corrupt += 1;
    const decoded = decodeRecord(bytes.subarray(offset, next));
    lastIsBad = decoded === null;
    if (decoded !== null) records.push({ place: { offset, length: next + 1 - offset }, value: decoded.value });
    offset = next + 1;
  }
  if (lastIsBad && offset < bytes.length) corrupt += 1;
  const last = records.at(-1);
  return {
    records,
    corrupt,
    end: lastIsBad ? (last === undefined ? 0 : last.place.offset + last.place.length) : offset,
  };
}

class OpenJournal implements JournalFile {
  readonly #path: string;
  #descriptor: number;
  #size: number;
  /** Set when the file could not be brought back to a known state, or a sync failed: nothing may be built on it then. */
  #failure: HaubanError | null = null;
  #syncing: Promise<void> | null = null;
  #waiting: Promise<void> | null = null;

  constructor(path: string, descriptor: number, size: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#size = size;
  }

  get sizeBytes(): number {
    return this.#size;
  }

  append(value: unknown): RecordPlace {
    if (this.#failure !== null) throw this.#failure;
    const bytes = encodeRecord(value);
    try {
      writeAll(this.#descriptor, bytes);
    } catch (error) {
      throw this.#cutBack(error);
    }
    const place = { offset: this.#size, length: bytes.length };
    this.#size += bytes.length;
    return place;
  }

  async sync(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#syncing === null) {
      this.#syncing = this.#syncNow();
      return await this.#syncing;
    }
    // The running fdatasync may have begun before our record was written: share the one after it.
    this.#waiting ??= this.#syncing.then(async () => {
      this.#waiting = null;
      this.#syncing = this.#syncNow();
      await this.#syncing;
    });
    await this.#waiting;
  }

  read(place: RecordPlace): unknown {
    const bytes = Buffer.alloc(place.length);
    const got = readSync(this.#descriptor, bytes, 0, place.length, place.offset);
    const decoded = got === place.length ? decodeRecord(bytes.subarray(0, -1)) : null;
    if (decoded === null)
      throw new HaubanError('FILE_FAILED', `${this.#path} changed under us at byte ${place.offset}`);
    return decoded.value;
  }

  replace(values: readonly unknown[]): readonly RecordPlace[] {
    if (this.#failure !== null) throw this.#failure;
    const { descriptor, places, size } = writeFresh(this.#path, values);
    const old = this.#descriptor;
    this.#descriptor = descriptor;
    this.#size = size;
    // A sync that is under way still uses the old file.
    if (this.#syncing === null) closeSync(old);
    else
      void this.#syncing.then(
        () => closeSync(old),
        () => closeSync(old),
      );
    return places;
  }

  close(): void {
    this.#failure ??= new HaubanError('FILE_FAILED', `${this.#path} is closed`);
    closeSync(this.#descriptor);
  }

  async #syncNow(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (error) {
      // After a failed sync the kernel may have dropped the pages: trying again would report success for lost data.
      this.#failure = fileFailed(this.#path, 'cannot sync', error);
      throw this.#failure;
    } finally {
      this.#syncing = null;
    }
  }

  #cutBack(error: unknown): HaubanError {
    const failed = fileFailed(this.#path, 'cannot append to', error);
    try {
      ftruncateSync(this.#descriptor, this.#size);
    } catch (second) {
      this.#failure = fileFailed(this.#path, 'cannot cut back', second);
    }
    return failed;
  }
}

function writeFresh(
  path: string,
  values: readonly unknown[],
): { descriptor: number; places: RecordPlace[]; size: number } {
  const temporary = `${path}.${process.pid}.tmp`;
  const places: RecordPlace[] = [];
  let size = 0;
  try {
    const written = openNew(temporary, { mode: 0o600, gid: null });
    try {
      for (const value of values) {
        const bytes = encodeRecord(value);
        writeAll(written, bytes);
        places.push({ offset: size, length: bytes.length });
        size += bytes.length;
      }
      fdatasyncSync(written);
    } finally {
      closeSync(written);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
    return { descriptor: openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW), places, size };
  } catch (error) {
    throw fileFailed(path, 'cannot write', error);
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw fileFailed(path, 'cannot read', error);
  }
}

/**
 * Opens or creates a journal. A torn tail is cut off; a corrupt file is kept aside and its readable records go on in a
 * new one.
 * @param asideName name for a corrupt file, beside it; must not exist yet
 */
export function openJournalFile(path: string, asideName: () => string): OpenedJournal {
  const bytes = readIfThere(path);
  if (bytes === null) {
    const { descriptor } = writeFresh(path, []);
    return { file: new OpenJournal(path, descriptor, 0), records: [], damage: { kind: 'none' } };
  }
  const found = scan(bytes);
  if (found.corrupt > 0) {
    const keptAs = asideName();
    try {
      renameSync(path, keptAs);
    } catch (error) {
      throw fileFailed(path, 'cannot set aside', error);
    }
    const { descriptor, places, size } = writeFresh(
      path,
      found.records.map((record) => record.value),
    );
    const records = found.records.map((record, index) => ({
      value: record.value,
      place: places[index] ?? record.place,
    }));
    return {
      file: new OpenJournal(path, descriptor, size),
      records,
      damage: { kind: 'corrupt', records: found.corrupt, keptAs },
    };
  }
  const torn = bytes.length - found.end;
  try {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW);
    if (torn > 0) {
      ftruncateSync(descriptor, found.end);
      fdatasyncSync(descriptor);
    }
    return {
      file: new OpenJournal(path, descriptor, found.end),
      records: found.records,
      damage: torn > 0 ? { kind: 'torn', bytes: torn } : { kind: 'none' },
    };
  } catch (error) {
    throw fileFailed(path, 'cannot open', error);
  }
}
