import {
  createLiveDecoder,
  createLiveEncoder,
  sealChunk,
  type Deflate,
  type LiveEncoder,
  type SeriesList,
} from '@hauban/shared/metrics';

/** The stored window: chunks are cut at multiples of this on the wall clock. */
const WINDOW_MS = 300_000;

/** The parts of the spool that windows need; `spool/` implements them. */
export interface WindowStore {
  takeSequence(): number;
  put(chunk: { boot: string; seq: number; startMs: number; listVersion: string }, bytes: Uint8Array): Promise<void>;
  keepSeriesList(list: SeriesList): Promise<void>;
  seriesList(version: string): Promise<SeriesList | undefined>;
  openJournal(head: { boot: string; seq: number; startMs: number; listVersion: string }): Promise<WindowJournal>;
  recoverWindows(): Promise<
    readonly { readonly head: WindowHead; readonly rows: readonly Uint8Array[]; remove(): Promise<void> }[]
  >;
}

interface WindowJournal {
  append(row: Uint8Array): Promise<void>;
  remove(): Promise<void>;
  close(): Promise<void>;
}

interface WindowHead {
  readonly boot: string;
  readonly seq: number;
  readonly startMs: number;
  readonly listVersion: string;
}

/** The ticks of one chunk while it grows, in memory and in its journal. */
export interface OpenWindow {
  readonly startMs: number;
  readonly lastTickMs: number;
  readonly ticks: number;
  /** Adds a tick; the row goes to the journal beside. */
  add(timeMs: number, scaled: Float64Array): void;
  /** Seals, makes durable, deletes the journal. Call once. */
  seal(): Promise<void>;
}

export interface WindowDeps {
  readonly boot: string;
  readonly store: WindowStore;
  readonly deflate: Deflate;
  onProblem(detail: string, cause?: unknown): void;
}

export const windowStart = (timeMs: number): number => Math.floor(timeMs / WINDOW_MS) * WINDOW_MS;

/** Opens a window for the tick at `timeMs`. The list must be one that the store keeps. */
export function createOpenWindow(deps: WindowDeps, list: SeriesList, timeMs: number): OpenWindow {
  const head = {
    boot: deps.boot,
    seq: deps.store.takeSequence(),
    startMs: windowStart(timeMs),
    listVersion: list.version,
  };
  const encoder: LiveEncoder = createLiveEncoder(list, 'exact');
  const timesMs: number[] = [];
  const rows: Float64Array[] = [];
  let lost = 0;
  const journal = openJournal(deps, head);

  const write = async (row: Uint8Array): Promise<void> => {
    try {
      await (await journal)?.append(row);
    } catch (error) {
      lost += 1;
      if (lost === 1)
        deps.onProblem(
          'the journal of the open window can not be written: a killed agent would lose this window',
          error,
        );
    }
  };
  let written: Promise<void> = Promise.resolve();

  return {
    startMs: head.startMs,
    get lastTickMs() {
      return timesMs.at(-1) ?? Number.NEGATIVE_INFINITY;
    },
    get ticks() {
      return timesMs.length;
    },
    add: (atMs, scaled) => {
      timesMs.push(atMs);
      rows.push(Float64Array.from(scaled));
      const row = encoder.encode(atMs, scaled);
      written = written.then(() => write(row));
    },
    seal: async () => {
      await deps.store.put(head, sealChunk({ ...head, list, timesMs, rows }, deps.deflate));
      await written;
      await (await journal)?.remove();
    },
  };
}

/** Undefined when the disk refuses: then the window lives in memory only. */
async function openJournal(deps: WindowDeps, head: WindowHead): Promise<WindowJournal | undefined> {
  try {
    return await deps.store.openJournal(head);
  } catch (error) {
    deps.onProblem('the journal of the open window can not be made: a killed agent would lose this window', error);
    return undefined;
  }
}

/** Seals what a killed agent left open, under the key that it had taken: sealing it twice gives the same chunk. */
export async function sealRecovered(deps: WindowDeps): Promise<number> {
  let ticks = 0;
  for (const window of await deps.store.recoverWindows()) {
    const { head } = window;
    const list = await deps.store.seriesList(head.listVersion);
    const found = list === undefined ? undefined : decodeRows(list, window.rows);
    if (list === undefined)
      deps.onProblem(`the open window ${head.seq} was lost: its list of series ${head.listVersion} is gone`);
    else if (found !== undefined && found.timesMs.length > 0) {
      await deps.store.put(head, sealChunk({ ...head, list, ...found }, deps.deflate));
      ticks += found.timesMs.length;
    }
    await window.remove();
  }
  return ticks;
}

function decodeRows(list: SeriesList, encoded: readonly Uint8Array[]): { timesMs: number[]; rows: Float64Array[] } {
  const decoder = createLiveDecoder(list);
  const timesMs: number[] = [];
  const rows: Float64Array[] = [];
  for (const bytes of encoded) {
    const decoded = decoder.decode(bytes);
    if (!decoded.ok || decoded.tick.timeMs <= (timesMs.at(-1) ?? Number.NEGATIVE_INFINITY)) break;
    timesMs.push(decoded.tick.timeMs);
    rows.push(decoded.tick.scaled.slice());
  }
  return { timesMs, rows };
}
