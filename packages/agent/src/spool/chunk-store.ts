import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSealedChunk, type ChunkKey } from '@hauban/shared/metrics';
import type { Clock } from '@hauban/shared/time';
import { chunkFileName, type ChunkIndex, type PendingChunk } from './chunk-index.ts';
import { isMissing, unlinkIfThere, writeDurably } from './durable-file.ts';
import { quarantine } from './quarantine.ts';

export interface ChunkStoreDeps {
  readonly folder: string;
  readonly clock: Clock;
  /** What the folder holds already; belongs to the store from now on. */
  readonly index: ChunkIndex;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Chunks thrown away before this start. */
  readonly droppedBefore: number;
  /** Remembers durably the sequences used and the drops. Runs after a chunk is durable, before anyone may send it. */
  remember(dropped: number): Promise<void>;
  onProblem(detail: string, cause?: unknown): void;
}

/** The chunk files of a spool. The caller calls one method that changes something at a time. */
export interface ChunkStore {
  put(chunk: PendingChunk, bytes: Uint8Array): Promise<void>;
  read(key: ChunkKey): Promise<Uint8Array | undefined>;
  ack(key: ChunkKey): Promise<void>;
  dropped(): number;
}

/** Chunks held in memory while the disk takes none: an hour. */
const MAX_UNSAVED = 12;

export function createChunkStore(deps: ChunkStoreDeps): ChunkStore {
  const { folder, index } = deps;
  const unsaved = new Map<string, { readonly chunk: PendingChunk; readonly bytes: Uint8Array }>();
  let dropped = deps.droppedBefore;
  const pathOf = (chunk: PendingChunk): string => join(folder, chunkFileName(chunk));

  const drop = async (chunk: PendingChunk): Promise<void> => {
    index.remove(chunk);
    unsaved.delete(chunkFileName(chunk));
    dropped += 1;
    await unlinkIfThere(pathOf(chunk));
  };

  /** Oldest first: the newest minutes are worth most after an outage. */
  const keepWithinBounds = async (): Promise<void> => {
    const before = dropped;
    const oldestMs = deps.clock.nowMs() - deps.maxAgeMs;
    for (let oldest = index.oldest(); oldest !== undefined; oldest = index.oldest()) {
      if (index.bytes <= deps.maxBytes && oldest.startMs >= oldestMs) break;
      await drop(oldest);
    }
    if (dropped > before)
      deps.onProblem(`${dropped - before} chunks were thrown away unsent: the spool was full or they were too old`);
  };

  const holdInMemory = async (error: unknown): Promise<void> => {
    deps.onProblem(`a chunk can not be written to ${folder} and is held in memory: make room there`, error);
    if (unsaved.size <= MAX_UNSAVED) return;
    const [oldest] = [...unsaved.values()].toSorted((a, b) => a.chunk.startMs - b.chunk.startMs);
    if (oldest !== undefined) await drop(oldest.chunk);
  };

  /** Saves this chunk and those that the disk refused earlier. */
  const saveAll = async (): Promise<void> => {
    for (const [name, { chunk, bytes }] of unsaved) {
      try {
        await writeDurably(pathOf(chunk), bytes);
        await deps.remember(dropped);
      } catch (error) {
        index.add(chunk);
        return await holdInMemory(error);
      }
      index.add(chunk);
      unsaved.delete(name);
      await keepWithinBounds();
    }
  };

  const moveToQuarantine = async (chunk: PendingChunk, problem: string): Promise<void> => {
    index.remove(chunk);
    dropped += 1;
    deps.onProblem(`${chunkFileName(chunk)}: ${problem}; it goes to quarantine`);
    await quarantine(join(folder, 'quarantine'), pathOf(chunk), deps.clock.nowMs()).catch((error: unknown) =>
      deps.onProblem(`${chunkFileName(chunk)} can not be moved to quarantine`, error),
    );
  };

  return {
    put: async (chunk, bytes) => {
      unsaved.set(chunkFileName(chunk), { chunk, bytes });
      await saveAll();
    },
    read: async (key) => {
      const chunk = index.get(key);
      if (chunk === undefined) return undefined;
      const held = unsaved.get(chunkFileName(chunk));
      if (held !== undefined) return held.bytes;
      try {
        const bytes = await readFile(pathOf(chunk));
        const parsed = parseSealedChunk(bytes);
        if (parsed.ok && parsed.value.seq === key.seq && parsed.value.boot === key.boot) return bytes;
        await moveToQuarantine(chunk, parsed.ok ? 'its content has another key than its name' : parsed.problem);
      } catch (error) {
        if (!isMissing(error)) throw error;
        index.remove(chunk);
      }
      return undefined;
    },
    ack: async (key) => {
      const chunk = index.remove(key);
      if (chunk === undefined) return;
      unsaved.delete(chunkFileName(chunk));
      await unlinkIfThere(pathOf(chunk));
    },
    dropped: () => dropped,
  };
}
