import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fdatasync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fileFailed, openNew, writeAll, writeDurably } from './write-durably.ts';

/**
 * The files of one recorded session: `<index>.chunk`, sealed and waiting for the controller's acknowledgement, which the
 * link process's group may read; and below `host/`, for the owner only: `<index>.open` (events of the chunk that is still
 * open), `host.json` (who records), `reserve` (room to finish on a full disk). Who watches the folder for chunks is not
 * woken by every event that is written below `host/`.
 */
export interface RecordingFolder {
  readonly path: string;
  readonly gid: number | null;
}

/** One event as it lies in the open file. */
export interface OpenRecord {
  /** ms since the recording began. */
  readonly atMs: number;
  /** Output bytes of the terminal that it stands for. */
  readonly bytes: number;
  readonly code: string;
  readonly data: Uint8Array;
}

const RESERVE_BYTES = 256 * 1024;
const CHUNK_NAME = /^(0|[1-9][0-9]{0,9})\.chunk$/;
const OPEN_NAME = /^(0|[1-9][0-9]{0,9})\.open$/;
const ours = (name: string): boolean =>
  CHUNK_NAME.test(name) ||
  OPEN_NAME.test(name) ||
  name.endsWith('.tmp') ||
  ['host.json', 'reserve', 'problems'].includes(name);

const hostPath = (folder: RecordingFolder): string => join(folder.path, 'host');

export const chunkPath = (folder: RecordingFolder, index: number): string => join(folder.path, `${index}.chunk`);
/** Is that chunk's open file still there? */
export const isOpenThere = (folder: RecordingFolder, index: number): boolean => existsSync(openPath(folder, index));
const openPath = (folder: RecordingFolder, index: number): string => join(hostPath(folder), `${index}.open`);

/** Runs a file operation; its failure becomes one sentence. */
function attempt<T>(path: string, doing: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw fileFailed(path, doing, error);
  }
}

function whenThere<T>(path: string, operation: () => T): T | null {
  try {
    return operation();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw fileFailed(path, 'cannot use', error);
  }
}

/** Makes a new folder with its reserve. Fails when it exists: a session is recorded once. */
export function createRecordingFolder(folder: RecordingFolder): void {
  attempt(folder.path, 'cannot make', () => {
    mkdirSync(folder.path, { mode: 0o700 });
    mkdirSync(hostPath(folder), { mode: 0o700 });
    const reserve = openNew(join(hostPath(folder), 'reserve'), { mode: 0o600, gid: null });
    try {
      writeAll(reserve, new Uint8Array(RESERVE_BYTES));
    } finally {
      closeSync(reserve);
    }
    if (folder.gid !== null) chownSync(folder.path, -1, folder.gid);
    chmodSync(folder.path, 0o750);
  });
}

/** Gives the reserved room back so that the last chunk fits on a full disk. */
export const freeReserve = (folder: RecordingFolder): void =>
  rmSync(join(hostPath(folder), 'reserve'), { force: true });

/** Bytes that an ordinary user could still write on the file system of `path`. */
export const freeBytes = (path: string): number =>
  attempt(path, 'cannot measure', () => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  });

/** Names below `root` that look like session folders. */
export const listSessionFolders = (root: string): readonly string[] =>
  attempt(root, 'cannot list', () =>
    readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name),
  );

function indexes(path: string, pattern: RegExp): number[] {
  const names = whenThere(path, () => readdirSync(path)) ?? [];
  return names.flatMap((name) => (pattern.test(name) ? [Number.parseInt(name, 10)] : [])).sort((a, b) => a - b);
}

/** Indexes of the chunks that wait, ascending; none when the folder is gone. */
export const listChunks = (folder: RecordingFolder): readonly number[] => indexes(folder.path, CHUNK_NAME);
export const listOpen = (folder: RecordingFolder): readonly number[] => indexes(hostPath(folder), OPEN_NAME);

export const readChunk = (folder: RecordingFolder, index: number): Buffer | null => {
  const path = chunkPath(folder, index);
  return whenThere(path, () => readFileSync(path));
};

/** Size of a waiting chunk, or null when it is gone. */
export const chunkBytes = (folder: RecordingFolder, index: number): number | null => {
  const path = chunkPath(folder, index);
  return whenThere(path, () => lstatSync(path).size);
};

/**
 * Writes a sealed chunk under its final name at once. It is in the page cache when this returns, which outlives the
 * process; `synced` is called when it is on the disk, with the error when it could not be put there.
 */
export function writeChunk(
  folder: RecordingFolder,
  index: number,
  bytes: Uint8Array,
  synced: (error: Error | null) => void,
): void {
  const path = chunkPath(folder, index);
  attempt(path, 'cannot write', () => {
    const temporary = join(hostPath(folder), `${index}.chunk.tmp`);
    rmSync(temporary, { force: true });
    const descriptor = openNew(temporary, { mode: 0o640, gid: folder.gid });
    try {
      writeAll(descriptor, bytes);
      renameSync(temporary, path);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    fdatasync(descriptor, (error) => {
      closeSync(descriptor);
      synced(error);
    });
  });
}

export const removeChunk = (folder: RecordingFolder, index: number): void =>
  rmSync(chunkPath(folder, index), { force: true });

function removeOurs(path: string): void {
  for (const name of whenThere(path, () => readdirSync(path)) ?? []) {
    if (ours(name)) attempt(path, 'cannot clear', () => unlinkSync(join(path, name)));
  }
  whenThere(path, () => rmdirSync(path));
}

/** Removes a session's folder with what is ours in it; a foreign file keeps the folder. */
export function removeRecordingFolder(folder: RecordingFolder): void {
  removeOurs(hostPath(folder));
  removeOurs(folder.path);
}

export const writeHostFile = (folder: RecordingFolder, value: unknown): void =>
  writeDurably(join(hostPath(folder), 'host.json'), Buffer.from(JSON.stringify(value)), { mode: 0o600, gid: null });

/** The text of `host.json`, or null. */
export const readHostFile = (folder: RecordingFolder): string | null => {
  const path = join(hostPath(folder), 'host.json');
  return whenThere(path, () => readFileSync(path, 'utf8'));
};

/** A descriptor for what the shell host has to say when it fails; the caller closes it. */
export const openProblemFile = (folder: RecordingFolder): number =>
  attempt(folder.path, 'cannot write in', () =>
    openNew(join(hostPath(folder), 'problems'), { mode: 0o600, gid: null }),
  );

/** Closes a descriptor that was opened for somebody else. */
export const closeDescriptor = (descriptor: number): void => closeSync(descriptor);

/** The open file of a chunk: `head` on the first line, then records. The owner closes it. */
export interface OpenChunkFile {
  append(record: OpenRecord): void;
  /** Closes and removes the file: its events are sealed. */
  remove(): void;
  close(): void;
}

export function createOpenChunk(folder: RecordingFolder, index: number, head: unknown): OpenChunkFile {
  const path = openPath(folder, index);
  const descriptor = attempt(path, 'cannot write', () => {
    const opened = openNew(path, { mode: 0o600, gid: null });
    writeAll(opened, Buffer.from(`${JSON.stringify(head)}\n`));
    return opened;
  });
  return {
    append: (record) =>
      attempt(path, 'cannot append to', () => {
        const line = `${crc32(record.data).toString(16)} ${record.atMs} ${record.bytes} ${record.code} ${record.data.length}\n`;
        writeAll(descriptor, Buffer.concat([Buffer.from(line, 'latin1'), record.data]));
      }),
    remove: () => {
      closeSync(descriptor);
      rmSync(path, { force: true });
    },
    close: () => closeSync(descriptor),
  };
}

const RECORD_LINE = /^([0-9a-f]{1,8}) (\d{1,15}) (\d{1,10}) ([a-z]) (\d{1,10})$/;

/** Reads what a crash left; stops before the first record that is not whole. Null when there is no whole head. */
export function readOpenChunk(
  folder: RecordingFolder,
  index: number,
): { readonly head: string; readonly records: readonly OpenRecord[] } | null {
  const path = openPath(folder, index);
  const bytes = whenThere(path, () => readFileSync(path));
  const headEnd = bytes?.indexOf(10) ?? -1;
  if (bytes === null || headEnd === -1) return null;
  const records: OpenRecord[] = [];
  for (let at = headEnd + 1; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const found = end === -1 ? null : RECORD_LINE.exec(bytes.toString('latin1', at, end));
    if (found === null) break;
    const [, sum = '', atMs = '', count = '', code = '', length = ''] = found;
    const data = bytes.subarray(end + 1, end + 1 + Number(length));
    if (data.length !== Number(length) || crc32(data) !== Number.parseInt(sum, 16)) break;
    records.push({ atMs: Number(atMs), bytes: Number(count), code, data });
    at = end + 1 + data.length;
  }
  return { head: bytes.toString('utf8', 0, headEnd), records };
}

export const removeOpen = (folder: RecordingFolder, index: number): void =>
  rmSync(openPath(folder, index), { force: true });
