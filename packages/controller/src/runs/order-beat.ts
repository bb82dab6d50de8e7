import type { Clock, Timer } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import type { DispatchService } from './dispatch.service.ts';
import type { LateOrders } from './late-orders.ts';
import type { SigningService } from './signing-queue.service.ts';

/** The slow beat of what nobody waits for: unsigned orders, how far orders came, and those that missed their node's link. */
export interface OrderBeat {
  start(): void;
  /** Fulfilled when a beat that is under way has ended. */
  stop(): Promise<void>;
}

const BEAT_MS = 250;

export function createOrderBeat(
  parts: { readonly dispatch: DispatchService; readonly signing: SigningService; readonly late: LateOrders },
  clock: Clock,
  log: Log,
): OrderBeat {
  let timer: Timer | null = null;
  let running: Promise<void> | null = null;

  const beat = async (): Promise<void> => {
    try {
      await parts.dispatch.storeMoments();
      await parts.signing.work();
      await parts.late.look();
    } catch (error) {
      // The database is away: the queue is still there when it is back.
      log.warn({ err: error }, 'orders could not be signed or sent, or their progress not stored');
    } finally {
      running = null;
    }
  };

  return {
    start: () => {
      timer = clock.every(BEAT_MS, () => {
        running ??= beat();
      });
    },
    stop: async () => {
      timer?.cancel();
      await running;
    },
  };
}
