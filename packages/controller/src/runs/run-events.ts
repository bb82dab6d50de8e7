import type { RunRow, RunTarget } from '@hauban/shared/api';
import type { Clock, Timer } from '@hauban/shared/time';

export type RunEvent =
  | { readonly kind: 'run'; readonly run: RunRow }
  | { readonly kind: 'target'; readonly runId: string; readonly target: RunTarget };

/** News of runs, told after they are stored. Listeners must not throw. */
export interface RunEvents {
  onRun(listener: (event: RunEvent) => void): () => void;
  targetChanged(runId: string, target: RunTarget): void;
  /** The run's row is read and told a little later, once for many changes. */
  runChanged(runId: string): void;
  /** True as soon as a part of this run ended; false after `ms`, or when the server stops. */
  nextChange(runId: string, ms: number): Promise<boolean>;
  /** Wakes whoever waits for the end of this run. */
  runFinished(runId: string): void;
  /** Nobody waits any more. */
  readonly isStopped: boolean;
  stop(): void;
}

/** A page shows counts of a run of 10,000 nodes; four times a second is enough for the eye. */
const COALESCE_MS = 250;

export interface RunEventParts {
  readonly clock: Clock;
  readonly readRows: (runIds: readonly string[]) => Promise<readonly RunRow[]>;
  /** Is there a page that might want to know? Without, no row is read for it. */
  readonly isWatched: () => boolean;
}

export function createRunEvents({ clock, readRows, isWatched }: RunEventParts): RunEvents {
  const listeners = new Set<(event: RunEvent) => void>();
  const waiting = new Map<string, Set<(isWoken: boolean) => void>>();
  let changed = new Set<string>();
  let timer: Timer | null = null;
  let isStopped = false;

  const tell = (event: RunEvent): void => {
    for (const listener of listeners) listener(event);
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
    targetChanged: (runId, target) => tell({ kind: 'target', runId, target }),
    runChanged: (runId) => {
      if (isStopped || !isWatched()) return;
      changed.add(runId);
      // News for the eye: what cannot be read now is told with the next change.
      timer ??= clock.after(COALESCE_MS, () => void flush().catch(() => undefined));
    },
    runFinished: wake,
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
      for (const runId of [...waiting.keys()]) wake(runId);
    },
  };
}
