import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ensureFolder } from './folder-there.ts';
import { readOwnFile } from './read-own-file.ts';
import { writeDurably } from './write-durably.ts';

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
      const bytes = readOwnFile(fileOf(id), LIMIT_BYTES);
      return bytes === null || bytes === 'unfit' ? null : decode(bytes);
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
    keepOnly: (ids) => {
      for (const name of readdirSync(path))
        if (name !== 'index' && !ids.has(name.replace(/\.json$/, ''))) rmSync(join(path, name), { force: true });
    },
  };
}
