import { open, readFile, unlink, type FileHandle } from 'node:fs/promises';
import { crc32, type ChunkKey } from '@hauban/shared/metrics';

/**
 * The journal of an open window: each tick is appended as it is taken, so that a killed agent loses no tick that it
 * took. Nothing is synced here: a kill -9 leaves what was handed to the kernel, and only a crash of the machine can
 * take the window's last ticks (at most 5 minutes). Syncing every 10 s would wake every disk of the fleet for that.
 *
 * File: one line of JSON (the head), then per tick: length (2, big-endian) | row | CRC-32 of the row (4, big-endian).
 * Reading ends at the first row that is cut or wrong.
 */
export interface JournalHead extends ChunkKey {
  readonly startMs: number;
  readonly listVersion: string;
}

export interface WindowJournal {
  /** Appends one encoded tick; at most 65,535 bytes. Rejects when the disk does not take it; the next append tries again. */
  append(row: Uint8Array): Promise<void>;
  /** Closes and deletes the file: its rows are in a durable chunk now. */
  remove(): Promise<void>;
  /** Closes the file and leaves it for the next start. */
  close(): Promise<void>;
}

export interface RecoveredWindow {
  readonly head: JournalHead;
  readonly rows: readonly Uint8Array[];
  /** Deletes the file; call when the rows are in a durable chunk. */
  remove(): Promise<void>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const VERSION = /^[0-9a-f]{16}$/;
/** A window has at most 400 rows of a few kilobytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Creates the file. `written` counts from the head on, so that a failed append is overwritten by the next one. */
export async function createWindowJournal(path: string, head: JournalHead): Promise<WindowJournal> {
  const file = await open(path, 'w', 0o600);
  let end = await writeHead(file, head);
  let last: Promise<void> = Promise.resolve();

  const write = async (row: Uint8Array): Promise<void> => {
    const record = Buffer.alloc(row.length + 6);
    record.writeUInt16BE(row.length, 0);
    record.set(row, 2);
    record.writeUInt32BE(crc32(row), row.length + 2);
    await file.write(record, 0, record.length, end);
    end += record.length;
  };

  const settle = async (): Promise<void> => {
    await last.catch((error: unknown) => error);
    await file.close();
  };

  return {
    append: (row) => {
      last = last.then(
        () => write(row),
        () => write(row),
      );
      return last;
    },
    remove: async () => {
      await settle();
      await unlink(path);
    },
    close: settle,
  };
}

async function writeHead(file: FileHandle, head: JournalHead): Promise<number> {
  const line = Buffer.from(
    `${JSON.stringify({ boot: head.boot, seq: head.seq, startMs: head.startMs, listVersion: head.listVersion })}\n`,
  );
  await file.write(line, 0, line.length, 0);
  return line.length;
}

function parseHead(line: string): JournalHead | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { boot, seq, startMs, listVersion } = value as Record<string, unknown>;
  if (typeof boot !== 'string' || !UUID.test(boot) || typeof listVersion !== 'string' || !VERSION.test(listVersion))
    return undefined;
  if (
    typeof seq !== 'number' ||
    !Number.isSafeInteger(seq) ||
    seq < 0 ||
    typeof startMs !== 'number' ||
    !Number.isSafeInteger(startMs) ||
    startMs < 0
  )
    return undefined;
  return { boot, seq, startMs, listVersion };
}

/** Reads what a killed agent left; undefined when the head is not readable. */
export async function readWindowJournal(path: string): Promise<{ head: JournalHead; rows: Uint8Array[] } | undefined> {
  const bytes = await readFile(path);
  const lineEnd = bytes.indexOf(10);
  if (lineEnd < 0 || bytes.length > MAX_BYTES) return undefined;
  const head = parseHead(bytes.toString('utf8', 0, lineEnd));
  if (head === undefined) return undefined;
  const rows: Uint8Array[] = [];
  let at = lineEnd + 1;
  while (at + 2 <= bytes.length) {
    const length = bytes.readUInt16BE(at);
    const row = bytes.subarray(at + 2, at + 2 + length);
    if (length === 0 || at + length + 6 > bytes.length || crc32(row) !== bytes.readUInt32BE(at + 2 + length)) break;
    rows.push(row);
    at += length + 6;
  }
  return { head, rows };
}
