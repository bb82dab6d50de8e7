import { constants, closeSync, fstatSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ensureFolder } from './folder-there.ts';
import { fileFailed, writeDurably } from './write-durably.ts';

/** One file an order, named by its id: what it changed, for as long as it may be undone. Only root reads it. */
export interface UndoFolder {
  readonly path: string;
  /** Durable when it returns. @returns bytes on disk */
  write(id: string, value: unknown): number;
  /** Null when there is none, or when it is not what was written. */
  read(id: string): unknown;
  remove(id: string): void;
  /** Removes what belongs to no order of this list: left by a crash between two files. */
  keepOnly(ids: ReadonlySet<string>): void;
}

const LIMIT_BYTES = 64 * 1024 * 1024;

function readBytes(path: string): Buffer | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw fileFailed(path, 'cannot open', error);
  }
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() && stat.size <= LIMIT_BYTES ? readFileSync(descriptor) : null;
  } finally {
    closeSync(descriptor);
  }
}

/** A checksum, a line end, the JSON: a damaged file is found before anything is undone by it. */
function decode(bytes: Buffer): unknown {
  const json = bytes.subarray(9);
  if (bytes[8] !== 10 || crc32(json).toString(16).padStart(8, '0') !== bytes.toString('latin1', 0, 8)) return null;
  return JSON.parse(json.toString('utf8')) as unknown;
}

export function openUndoFolder(path: string): UndoFolder {
  ensureFolder(path, 0o700);
  const fileOf = (id: string): string => join(path, `${id}.json`);
  return {
    path,
    write: (id, value) => {
      const json = Buffer.from(JSON.stringify(value), 'utf8');
      const bytes = Buffer.concat([Buffer.from(`${crc32(json).toString(16).padStart(8, '0')}\n`, 'latin1'), json]);
      writeDurably(fileOf(id), bytes, { mode: 0o600, gid: null });
      return bytes.length;
    },
    read: (id) => {
      const bytes = readBytes(fileOf(id));
      return bytes === null ? null : decode(bytes);
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
    keepOnly: (ids) => {
      for (const name of readdirSync(path))
        if (name !== 'index' && !ids.has(name.replace(/\.json$/, ''))) rmSync(join(path, name), { force: true });
    },
  };
}
