import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';
import type { ChunkKey, SeriesList } from '@hauban/shared/metrics';
import type { Clock } from '@hauban/shared/time';
import { createChunkIndex, parseChunkFileName, type ChunkIndex, type PendingChunk } from './chunk-index.ts';
import { createChunkStore } from './chunk-store.ts';
import { UNFINISHED, unlinkIfThere } from './durable-file.ts';
import { createListStore } from './list-store.ts';
import { quarantine } from './quarantine.ts';
import { loadSpoolState, saveSpoolState, type SpoolState } from './spool-state.ts';
import {
  createWindowJournal,
  readWindowJournal,
  type JournalHead,
  type RecoveredWindow,
  type WindowJournal,
} from './window-journal.ts';

export interface SpoolDeps {
  /** Its own folder; made when missing. */
  readonly folder: string;
  readonly clock: Clock;
  /** Boot id of the kernel. */
  readonly boot: string;
  /** Seconds since the machine started: the first sequence when nothing is remembered, above any used before. */
  readonly uptimeS: number;
  /** Default 64 MiB: about 69 days of a usual node. */
  readonly maxBytes?: number;
  /** Default 30 days. */
  readonly maxAgeMs?: number;
  /** A fault that the spool lived through; one sentence. */
  onProblem(detail: string, cause?: unknown): void;
}

export interface SpoolDepth {
  readonly chunks: number;
  readonly bytes: number;
  /** Chunks thrown away unsent since the spool was made. A missing sequence is what the controller sees of them. */
  readonly dropped: number;
}

export interface Spool {
  /** The next sequence of this boot. */
  takeSequence(): number;
  /** Keeps a sealed chunk; durable when it resolves. On a full disk it is held in memory (at most 12) and tried again. */
  put(chunk: Omit<PendingChunk, 'size'>, bytes: Uint8Array): Promise<void>;
  /** Unconfirmed chunks, newest first. */
  pending(limit: number): readonly PendingChunk[];
  /** The bytes of a chunk; undefined when it is gone, or was damaged and is in quarantine now. */
  read(key: ChunkKey): Promise<Uint8Array | undefined>;
  /** The controller has it: deletes it. Unknown keys are no fault (an ack may come twice). */
  ack(key: ChunkKey): Promise<void>;
  /** Keeps a list, so that chunks that refer to it can be sent after any restart. */
  keepSeriesList(list: SeriesList): Promise<void>;
  /** The list that a pending chunk refers to; undefined when it was lost. */
  seriesList(version: string): Promise<SeriesList | undefined>;
  openJournal(head: JournalHead): Promise<WindowJournal>;
  /** Windows that a killed agent left open. Call before the first `openJournal`. */
  recoverWindows(): Promise<readonly RecoveredWindow[]>;
  depth(): SpoolDepth;
  /** Called after each `put`; returns how to stop that. */
  onChunk(listener: (chunk: PendingChunk) => void): () => void;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_AGE_MS = 30 * 86_400_000;
const JOURNAL_NAME = /^([0-9a-f-]{36})-(\d{1,15})\.window$/;

/** A journal as it was found at the start. */
interface FoundJournal {
  readonly path: string;
  readonly boot: string;
  readonly seq: number;
}

/** Cleaning up may fail on a sick disk (a file system that became read-only); the rest must go on. */
async function tidy(deps: SpoolDeps, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    deps.onProblem(`the spool folder ${deps.folder} can not be tidied up`, error);
  }
}

/** Sorts what lies in the folder: chunks into the index, rubbish away. */
async function scanFolder(deps: SpoolDeps, index: ChunkIndex): Promise<FoundJournal[]> {
  const journals: FoundJournal[] = [];
  for (const entry of await readdir(deps.folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(deps.folder, entry.name);
    const [, boot, seq] = JOURNAL_NAME.exec(entry.name) ?? [];
    if (entry.name.endsWith(UNFINISHED)) await tidy(deps, () => unlinkIfThere(path));
    else if (boot !== undefined) journals.push({ path, boot, seq: Number(seq) });
    else if (entry.name.endsWith('.chunk')) {
      const named = parseChunkFileName(entry.name);
      if (named === undefined)
        await tidy(deps, () => quarantine(join(deps.folder, 'quarantine'), path, deps.clock.nowMs()));
      else index.add({ ...named, size: (await stat(path)).size });
    }
  }
  return journals;
}

/** The highest sequence of this boot that anything here bears witness of. */
function lastSequence(
  deps: SpoolDeps,
  chunks: readonly ChunkKey[],
  journals: readonly ChunkKey[],
  state: SpoolState | undefined,
): number {
  const ofThisBoot = [...chunks, ...journals].filter((key) => key.boot === deps.boot).map((key) => key.seq);
  // Nothing remembered of this boot: chunks are rarer than seconds, so no chunk of it can have had this number.
  const remembered = state?.boot === deps.boot ? state.lastSeq : Math.floor(deps.uptimeS);
  return ofThisBoot.reduce((most, seq) => Math.max(most, seq), remembered);
}

async function makeFolders(folder: string): Promise<void> {
  try {
    await mkdir(join(folder, 'lists'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new HaubanError('FILE_FAILED', `the spool folder ${folder} can not be made; let the agent's user own it`, {
      cause: error,
    });
  }
}

async function versionsInUse(index: ChunkIndex, journals: readonly FoundJournal[]): Promise<Set<string>> {
  const used = new Set(index.newest(Number.MAX_SAFE_INTEGER).map((chunk) => chunk.listVersion));
  for (const { path } of journals) {
    const found = await readWindowJournal(path);
    if (found !== undefined) used.add(found.head.listVersion);
  }
  return used;
}

/** Opens a spool, whatever state a crash left it in. */
export async function createSpool(deps: SpoolDeps): Promise<Spool> {
  const { folder, clock } = deps;
  const index = createChunkIndex();
  await makeFolders(folder);
  const journals = await scanFolder(deps, index);
  const stateFile = join(folder, 'state.json');
  const state = await loadSpoolState(stateFile);
  const lists = createListStore(join(folder, 'lists'));
  const used = await versionsInUse(index, journals);
  await tidy(deps, () => lists.forgetAllBut(used));
  let lastSeq = lastSequence(deps, index.newest(Number.MAX_SAFE_INTEGER), journals, state);

  const store = createChunkStore({
    folder,
    clock,
    index,
    maxBytes: deps.maxBytes ?? DEFAULT_MAX_BYTES,
    maxAgeMs: deps.maxAgeMs ?? DEFAULT_MAX_AGE_MS,
    droppedBefore: state?.dropped ?? 0,
    remember: (dropped) => saveSpoolState(stateFile, { boot: deps.boot, lastSeq, dropped }),
    onProblem: (detail, cause) => deps.onProblem(detail, cause),
  });

  let queue: Promise<unknown> = Promise.resolve();
  /** One change after the other, whatever became of the one before. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch((error: unknown) => error);
    return turn;
  };
  const listeners = new Set<(chunk: PendingChunk) => void>();

  return {
    takeSequence: () => {
      lastSeq += 1;
      return lastSeq;
    },
    put: async (chunk, bytes) => {
      const entry = { ...chunk, size: bytes.length };
      await inTurn(() => store.put(entry, bytes));
      for (const listener of listeners) listener(entry);
    },
    pending: (limit) => index.newest(limit),
    read: (key) => store.read(key),
    ack: (key) => inTurn(() => store.ack(key)),
    keepSeriesList: (list) => inTurn(() => lists.keep(list)),
    seriesList: (version) => lists.read(version),
    openJournal: (head) => createWindowJournal(join(folder, `${head.boot}-${head.seq}.window`), head),
    recoverWindows: async () => {
      const windows: RecoveredWindow[] = [];
      for (const { path } of journals.splice(0)) {
        const found = await readWindowJournal(path);
        if (found === undefined) await tidy(deps, () => quarantine(join(folder, 'quarantine'), path, clock.nowMs()));
        else windows.push({ ...found, remove: () => tidy(deps, () => unlinkIfThere(path)) });
      }
      return windows;
    },
    depth: () => ({ chunks: index.count, bytes: index.bytes, dropped: store.dropped() }),
    onChunk: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
