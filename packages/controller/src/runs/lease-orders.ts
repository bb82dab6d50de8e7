import type { Clock } from '@hauban/shared/time';
import type { Transact } from '../db/transaction.ts';
import { createHoldBack, type HoldParts } from './hold-back.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunsRepository } from './runs.repository.ts';

interface LeaseParts extends HoldParts {
  readonly queue: OrderQueueRepository;
  readonly runs: RunsRepository;
  readonly transaction: Transact;
  readonly clock: Clock;
}

/** Of these orders of one node, those that may be sent to it now. */
export type LeaseOrders = (known: readonly TargetRecord[]) => Promise<ReadonlySet<string>>;

/** On its way before it is sent: whoever cancels what waits does so before, or finds it under way. */
export function createLeaseOrders(parts: LeaseParts): LeaseOrders {
  const { queue, runs, transaction, clock } = parts;
  const holdBack = createHoldBack(parts);
  return async (known) => {
    if (known.length === 0) return new Set();
    const unsent = known.filter(({ leasedAt }) => leasedAt === null);
    const records = await runs.findMany([...new Set(unsent.map(({ runId }) => runId))]);
    // Before the transaction: many nodes come back at one moment, and each would wait in it for a second connection.
    const closed = await holdBack.closedOf(null, unsent, new Map(records.map((run) => [run.id, run])));
    return transaction(async (tx) => {
      const held = await holdBack.store(tx, closed);
      const free = known.map(({ orderId }) => orderId).filter((orderId) => !held.has(orderId));
      return queue.lease(tx, free, clock.nowMs());
    });
  };
}
