import type { ChunkKey } from '@hauban/shared/metrics';

/** A chunk that the controller has not confirmed. */
export interface PendingChunk extends ChunkKey {
  readonly startMs: number;
  readonly listVersion: string;
  /** Size in bytes. */
  readonly size: number;
}

const NAME = /^(\d{1,13})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,15})-([0-9a-f]{16})\.chunk$/;

export const chunkFileName = (chunk: Omit<PendingChunk, 'size'>): string =>
  `${Math.floor(chunk.startMs / 1000)}-${chunk.boot}-${chunk.seq}-${chunk.listVersion}.chunk`;

/** What a file name says; undefined when it is not the name of a chunk. */
export function parseChunkFileName(name: string): Omit<PendingChunk, 'size'> | undefined {
  const [, seconds, boot, seq, listVersion] = NAME.exec(name) ?? [];
  if (seconds === undefined || boot === undefined || seq === undefined || listVersion === undefined) return undefined;
  return { boot, seq: Number(seq), startMs: Number(seconds) * 1000, listVersion };
}

const keyOf = (key: ChunkKey): string => `${key.boot}/${key.seq}`;
const isNewer = (a: PendingChunk, b: PendingChunk): number => b.startMs - a.startMs || b.seq - a.seq;

/** The chunks of a spool in memory, so that asking costs no disk. 64 MiB of chunks are about 20,000 entries. */
export interface ChunkIndex {
  add(chunk: PendingChunk): void;
  get(key: ChunkKey): PendingChunk | undefined;
  remove(key: ChunkKey): PendingChunk | undefined;
  /** Newest first. */
  newest(limit: number): PendingChunk[];
  oldest(): PendingChunk | undefined;
  readonly count: number;
  readonly bytes: number;
}

export function createChunkIndex(): ChunkIndex {
  const byKey = new Map<string, PendingChunk>();
  /** Newest first; undefined when it has to be sorted again. */
  let sorted: PendingChunk[] | undefined = [];
  let bytes = 0;

  const order = (): PendingChunk[] => (sorted ??= [...byKey.values()].toSorted(isNewer));

  const remove = (key: ChunkKey): PendingChunk | undefined => {
    const chunk = byKey.get(keyOf(key));
    if (chunk === undefined) return undefined;
    byKey.delete(keyOf(key));
    bytes -= chunk.size;
    if (sorted?.at(-1) === chunk) sorted.pop();
    else if (sorted?.[0] === chunk) sorted.shift();
    else sorted = undefined;
    return chunk;
  };

  return {
    add: (chunk) => {
      remove(chunk);
      byKey.set(keyOf(chunk), chunk);
      bytes += chunk.size;
      const first = sorted?.[0];
      if (sorted !== undefined && (first === undefined || isNewer(chunk, first) < 0)) sorted.unshift(chunk);
      else sorted = undefined;
    },
    get: (key) => byKey.get(keyOf(key)),
    remove,
    newest: (limit) => order().slice(0, limit),
    oldest: () => order().at(-1),
    get count() {
      return byKey.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
