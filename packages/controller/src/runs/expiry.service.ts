import { ACTIONS } from '@hauban/shared/actions';
import { LIMITS } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditCode } from '@hauban/shared/audit';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { OpenOrders } from './open-orders.ts';
import type { RunEvents } from './run-events.ts';
import { toRunTarget } from './run-row.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import type { RunTargetsRepository, TargetRecord } from './run-targets.repository.ts';
import type { RunsRepository } from './runs.repository.ts';

export interface ExpiryParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly queue: OrderQueueRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly events: RunEvents;
  readonly open: OpenOrders;
  readonly clock: Clock;
  readonly log: Log;
  hostNameOf(nodeId: string): Promise<string>;
}

export interface ExpiryService {
  start(): void;
  stop(): Promise<void>;
  /** One look at what is overdue; the number of targets that were closed. */
  sweep(): Promise<number>;
}

const SWEEP_MS = 1_000;
const AT_ONCE = 200;
/** A node whose clock is behind may start an order this much after its expiry by our clock. */
const SENT_GRACE_MS = LIMITS.orderSkewMs;
/** Beyond the action's own time-out, twice (apply and undo): time to be settled after a crash. */
const SETTLE_GRACE_MS = 60_000;
const LONGEST_ACTION_MS = Math.max(...[...ACTIONS.values()].map(({ timeoutMs }) => timeoutMs));

interface Verdict {
  readonly state: 'expired' | 'undetermined';
  readonly code: 'ORDER_EXPIRED' | 'ACTION_TIMEOUT';
  readonly audit: AuditCode;
  readonly detail: string;
}

const NEVER_SENT: Verdict = {
  state: 'expired',
  code: 'ORDER_EXPIRED',
  audit: 'A3014W',
  detail: 'The node was not connected before the order expired.',
};
const NEVER_SIGNED: Verdict = {
  ...NEVER_SENT,
  detail:
    'The order was not signed before it expired: nobody approved it in time, its turn did not come, or the signer was away.',
};
const NEVER_TAKEN: Verdict = {
  state: 'expired',
  code: 'ORDER_EXPIRED',
  audit: 'A3014W',
  detail: 'The node did not take the order before it expired.',
};
const NO_WORD: Verdict = {
  state: 'undetermined',
  code: 'ACTION_TIMEOUT',
  audit: 'A3013E',
  detail: 'The node took the order and has not said how it ended. Its receipt, when it comes, replaces this.',
};

/** Closes what can have no good end any more. Delivery and execution have times of their own. */
export function createExpiryService(parts: ExpiryParts): ExpiryService {
  const { runs, targets, queue, audit, transaction, events, open, clock } = parts;
  let beat: Beat | null = null;

  const close = async (target: TargetRecord, verdict: Verdict): Promise<number> => {
    const hostName = await parts.hostNameOf(target.nodeId);
    const finishedAt = clock.nowMs();
    return transaction(async (tx) => {
      const { state, code, detail } = verdict;
      const closed = await targets.close(tx, target.orderId, { state, code, detail, finishedAt });
      // A receipt came first.
      if (closed === null) return 0;
      runs.closeTargets(tx, target.runId, 1, finishedAt);
      const { nodeId, orderId, runId } = target;
      audit.record(tx, {
        code: verdict.audit,
        who: 'system',
        nodeId,
        hostName,
        orderId,
        detail: { runId, says: detail },
      });
      tx.afterCommit(() => {
        open.ended(orderId);
        events.targetChanged(runId, toRunTarget(closed, hostName, null));
        events.runChanged(runId);
        events.runFinished(runId);
      });
      return 1;
    });
  };

  const sweep = async (): Promise<number> => {
    const now = clock.nowMs();
    const overdue: [TargetRecord, Verdict][] = [];
    const look = async (before: number, states: readonly TargetRecord['state'][], verdict: Verdict): Promise<void> => {
      for (const target of await queue.overdue(before, states, AT_ONCE)) {
        // The node said that it took it a moment ago, and that is not stored yet.
        const moment = open.momentOf(target.orderId);
        if (verdict === NEVER_TAKEN && moment !== null && moment.state !== 'leased') continue;
        overdue.push([target, target.jws === null ? NEVER_SIGNED : verdict]);
      }
    };
    await look(now, ['waiting', 'queued'], NEVER_SENT);
    await look(now - SENT_GRACE_MS, ['leased'], NEVER_TAKEN);
    await look(now - 2 * LONGEST_ACTION_MS - SETTLE_GRACE_MS, ['delivered', 'started'], NO_WORD);
    let closed = 0;
    for (const [target, verdict] of overdue) closed += await close(target, verdict);
    return closed;
  };

  const sweepAll = async (): Promise<void> => {
    while ((await sweep()) >= AT_ONCE);
  };

  return {
    sweep,
    start: () => {
      beat = startBeat(parts, { everyMs: SWEEP_MS, says: 'expired orders could not be closed', work: sweepAll });
    },
    stop: async () => beat?.stop(),
  };
}
