import type { RunRow, RunTarget } from '@hauban/shared/api';
import type { Clock, Timer } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';

export type RunEvent =
  | { readonly kind: 'run'; readonly run: RunRow }
  | { readonly kind: 'target'; readonly runId: string; readonly target: RunTarget };

/** News of runs, told after they are stored. Listeners must not throw. */
export interface RunEvents {
  onRun(listener: (event: RunEvent) => void): () => void;
  /** The first of them at once; of a flood, the newest of each target a little later, and not all: counts tell the rest. */
  targetChanged(runId: string, target: RunTarget): void;
  /** The run's row is read and told a little later, once for many changes. */
  runChanged(runId: string): void;
  /** True as soon as a part of this run ended; false after `ms`, or when the server stops. */
  nextChange(runId: string, ms: number): Promise<boolean>;
  /** Wakes whoever waits for the end of this run. */
  runFinished(runId: string): void;
  /** Of every end of an order, and of every other moment at which a run in waves may have to go on. */
  onMove(listener: (runId: string, isRolling: boolean) => void): () => void;
  /** A run in waves was made, approved or resumed. */
  rolloutMoved(runId: string): void;
  /** Nobody waits any more. */
  readonly isStopped: boolean;
  stop(): void;
}

/** A page shows counts of a run of 10,000 nodes; four times a second is enough for the eye. */
const COALESCE_MS = 250;
/** Targets of one run told at once in that time, and those that are kept for its end. */
const TOLD_AT_ONCE = 20;
const KEPT = 100;

interface Burst {
  told: number;
  readonly kept: Map<string, RunTarget>;
}

export interface RunEventParts {
  readonly clock: Clock;
  readonly readRows: (runIds: readonly string[]) => Promise<readonly RunRow[]>;
  /** Is there a page that might want to know? Without, no row is read for it. */
  readonly isWatched: () => boolean;
  readonly log: Log;
}

/** Lets a few changes of targets through at once, and keeps some of a flood for the end of its moment. */
function createTargetNews(clock: Clock, tell: (event: RunEvent) => void) {
  let bursts = new Map<string, Burst>();
  let timer: Timer | null = null;
  const flush = (): void => {
    timer = null;
    const ended = bursts;
    bursts = new Map();
    for (const [runId, { kept }] of ended) for (const target of kept.values()) tell({ kind: 'target', runId, target });
  };
  return {
    changed: (runId: string, target: RunTarget): void => {
      const burst = bursts.get(runId) ?? { told: 0, kept: new Map<string, RunTarget>() };
      bursts.set(runId, burst);
      timer ??= clock.after(COALESCE_MS, flush);
      if (burst.told < TOLD_AT_ONCE) {
        burst.told += 1;
        tell({ kind: 'target', runId, target });
      } else if (burst.kept.size < KEPT || burst.kept.has(target.orderId)) burst.kept.set(target.orderId, target);
    },
    stop: () => timer?.cancel(),
  };
}

export function createRunEvents({ clock, readRows, isWatched, log }: RunEventParts): RunEvents {
  const listeners = new Set<(event: RunEvent) => void>();
  const movers = new Set<(runId: string, isRolling: boolean) => void>();
  const waiting = new Map<string, Set<(isWoken: boolean) => void>>();
  let changed = new Set<string>();
  let timer: Timer | null = null;
  let isStopped = false;

  const tell = (event: RunEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const news = createTargetNews(clock, tell);
  const moved = (runId: string, isRolling: boolean): void => {
    for (const listener of movers) listener(runId, isRolling);
  };
  const wake = (runId: string): void => {
    for (const done of waiting.get(runId) ?? []) done(!isStopped);
  };
  const flush = async (): Promise<void> => {
    timer = null;
    const ids = [...changed];
    changed = new Set();
    for (const run of await readRows(ids)) tell({ kind: 'run', run });
  };

  return {
    onRun: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    targetChanged: news.changed,
    runChanged: (runId) => {
      if (isStopped || !isWatched()) return;
      changed.add(runId);
      timer ??= clock.after(COALESCE_MS, () => {
        // News for the eye: what cannot be read now is told with the next change of the run, or when the page asks.
        flush().catch((error: unknown) =>
          log.warn({ err: error }, 'the progress of runs could not be read for the pages'),
        );
      });
    },
    runFinished: (runId) => {
      wake(runId);
      moved(runId, false);
    },
    onMove: (listener) => {
      movers.add(listener);
      return () => void movers.delete(listener);
    },
    rolloutMoved: (runId) => moved(runId, true),
    nextChange: (runId, ms) =>
      new Promise((resolve) => {
        if (isStopped || ms <= 0) {
          resolve(false);
          return;
        }
        const set = waiting.get(runId) ?? new Set<(isWoken: boolean) => void>();
        waiting.set(runId, set);
        const done = (isWoken: boolean): void => {
          late.cancel();
          set.delete(done);
          if (set.size === 0) waiting.delete(runId);
          resolve(isWoken);
        };
        const late = clock.after(ms, () => done(false));
        set.add(done);
      }),
    get isStopped() {
      return isStopped;
    },
    stop: () => {
      isStopped = true;
      timer?.cancel();
      news.stop();
      for (const runId of [...waiting.keys()]) wake(runId);
    },
  };
}
