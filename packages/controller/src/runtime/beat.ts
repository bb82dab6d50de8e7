import type { Clock, Timer } from '@hauban/shared/time';
import type { Log } from './log.ts';

export interface Beat {
  /** Ends when the last call has. */
  stop(): Promise<void>;
}

/** Calls the work each so many milliseconds, never twice at once; a call that fails is logged as `says`, and the next one comes. */
export function startBeat(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { everyMs, says, work }: { readonly everyMs: number; readonly says: string; readonly work: () => Promise<void> },
): Beat {
  let isBusy = false;
  let last: Promise<void> = Promise.resolve();
  const timer: Timer = clock.every(everyMs, () => {
    if (isBusy) return;
    isBusy = true;
    last = work()
      .catch((error: unknown) => log.warn({ err: error }, says))
      .finally(() => (isBusy = false));
  });
  return {
    stop: () => {
      timer.cancel();
      return last;
    },
  };
}
