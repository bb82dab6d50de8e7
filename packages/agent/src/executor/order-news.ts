import type { FromExecutor, Order } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';

/** How far an order came, for the eye (rule ORDER11). Most orders end sooner than anybody could read it. */
export interface OrderNews {
  /** It is in the journal. */
  taken(): void;
  progress(step: string, done: number, total: number): void;
  /** Nothing more is told: the receipt says it all. */
  end(): void;
}

/** An order that ends within this time says so with its receipt alone; each message costs three processes a wake-up. */
const TAKEN_AFTER_MS = 5;
/** The newest step at most this often. */
const PROGRESS_EVERY_MS = 100;

export function createOrderNews(order: Order['id'], clock: Clock, send: (message: FromExecutor) => void): OrderNews {
  let taken: Timer | null = null;
  let telling: Timer | null = null;
  let newest: Extract<FromExecutor, { t: 'progress' }> | null = null;
  let isEnded = false;
  return {
    taken: () => {
      taken = clock.after(TAKEN_AFTER_MS, () => send({ t: 'taken', order }));
    },
    progress: (step, done, total) => {
      if (isEnded) return;
      newest = { t: 'progress', order, step, done, total };
      telling ??= clock.after(PROGRESS_EVERY_MS, () => {
        telling = null;
        if (newest !== null) send(newest);
      });
    },
    end: () => {
      isEnded = true;
      taken?.cancel();
      telling?.cancel();
    },
  };
}
