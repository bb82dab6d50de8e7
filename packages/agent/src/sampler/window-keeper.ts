import type { SeriesList } from '@hauban/shared/metrics';
import { createOpenWindow, windowStart, type OpenWindow, type WindowDeps } from './open-window.ts';

/** Cuts stored ticks into windows and seals them. */
export interface WindowKeeper {
  /** Adds a tick of `list`; a tick of another window, or a clock that went back, seals what was open. */
  store(list: SeriesList, timeMs: number, scaled: Float64Array): void;
  /** Seals what is open: the list changes, or the agent stops. */
  seal(): void;
  /** Resolves when everything sealed so far is durable. */
  settled(): Promise<void>;
}

/** A clock that went back by less than this only repeats ticks; they are not stored twice. */
const REPEAT_MS = 60_000;

export function createWindowKeeper(deps: WindowDeps): WindowKeeper {
  let open: OpenWindow | undefined;
  let sealing: Promise<void> = Promise.resolve();

  const seal = (): void => {
    const closed = open;
    open = undefined;
    if (closed === undefined) return;
    sealing = sealing
      .then(() => closed.seal())
      .catch((error: unknown) => deps.onProblem('a chunk could not be sealed', error));
  };

  return {
    store: (list, timeMs, scaled) => {
      if (open !== undefined && timeMs <= open.lastTickMs) {
        if (open.lastTickMs - timeMs < REPEAT_MS) return;
        seal();
      } else if (open !== undefined && windowStart(timeMs) !== open.startMs) seal();
      open ??= createOpenWindow(deps, list, timeMs);
      open.add(timeMs, scaled);
    },
    seal,
    settled: () => sealing,
  };
}
