import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { DispatchService, OrderLinks } from './dispatch.service.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';

/**
 * Orders that wait for a node that is connected here. A node asks for its orders when its link opens; one whose transaction
 * was under way at that moment was not there to be found, and was stored as waiting because there was no link yet. So
 * was one that another controller has signed. Without this look it would lie there until the node's next link.
 */
export interface LateOrders {
  /** Does nothing until a while has passed since the last look. */
  look(): Promise<void>;
}

interface LateOrdersParts {
  readonly queue: Pick<OrderQueueRepository, 'nodesWaitedFor'>;
  readonly dispatch: Pick<DispatchService, 'pendingOrders'>;
  readonly links: OrderLinks;
  readonly clock: Clock;
}

const LOOK_MS = 2_000;

export function createLateOrders({ queue, dispatch, links, clock }: LateOrdersParts): LateOrders {
  let lookedAtMs = clock.monotonicMs();
  let seen: ReadonlySet<string> = new Set<string>();

  return {
    look: async () => {
      if (clock.monotonicMs() - lookedAtMs < LOOK_MS) return;
      lookedAtMs = clock.monotonicMs();
      const waiting = (await queue.nodesWaitedFor(clock.nowMs())).filter((id) => links.isOnline(id));
      // Seen for the first time its link may have opened just now, and the node asks by itself.
      const late = waiting.filter((id) => seen.has(id));
      seen = new Set(waiting);
      for (const nodeId of late)
        for (const jws of await dispatch.pendingOrders({ nodeId: nodeId as NodeId })) links.send(nodeId, jws);
    },
  };
}
