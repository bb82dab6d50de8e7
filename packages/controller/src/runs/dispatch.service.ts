import type { AgentMessage, NodeId } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import type { OpenOrders } from './open-orders.ts';
import type { RunEvents } from './run-events.ts';
import { toRunTarget } from './run-row.ts';
import type { RunTargetsRepository, TargetRecord } from './run-targets.repository.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import { buildOrder, signOrder, type OrderSigner, type SigningOutcome } from './sign-orders.ts';

/** Where orders go out: the link of a node, when it is connected here. */
export interface OrderLinks {
  isOnline(nodeId: string): boolean;
  /** False: there is no link; the order waits for the next one. */
  send(nodeId: string, jws: string): boolean;
}

export interface DispatchParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly events: RunEvents;
  readonly open: OpenOrders;
  readonly signer: OrderSigner;
  readonly links: OrderLinks;
  readonly clock: Clock;
  readonly log: Log;
  readonly controllerId: string;
  hostNameOf(nodeId: string): Promise<string>;
}

export type DispatchService = ReturnType<typeof createDispatchService>;
type ProgressMessage = Extract<AgentMessage, { t: 'progress' }>;

const SIGN_AT_ONCE = 100;
/** Beat of what nobody waits for: unsigned orders, moments to be stored. */
const BEAT_MS = 250;

/** Orders on their way out: signed, stored, sent, sent again at each link until a receipt or the expiry (rule ORDER9). */
export function createDispatchService(parts: DispatchParts) {
  const { runs, targets, audit, transaction, events, open, signer, links, clock, log } = parts;
  let timer: Timer | null = null;
  let isBusy = false;
  let mayBeUnsigned = true;

  const sign = (
    run: RunRecord,
    target: { readonly orderId: string; readonly nodeId: string },
  ): Promise<SigningOutcome> =>
    signOrder(signer, buildOrder(run, target, { controllerId: parts.controllerId, at: clock.nowMs() }));

  /** After the commit that holds it: whatever happens now, the same bytes go out again at the next link. */
  const send = (target: Pick<TargetRecord, 'orderId' | 'runId' | 'nodeId'>, jws: string): void => {
    // Known as open first: the node may answer before this returns.
    open.sent(target, clock.nowMs());
    if (!links.send(target.nodeId, jws)) open.ended(target.orderId);
  };

  const noteSigned = (tx: Tx, run: RunRecord, target: Pick<TargetRecord, 'orderId' | 'nodeId'>): void =>
    audit.record(tx, {
      code: 'A3001I',
      who: run.requester,
      nodeId: target.nodeId,
      orderId: target.orderId,
      detail: { runId: run.id, action: run.action, mode: run.mode },
    });
  const noteRefused = (tx: Tx, run: RunRecord, target: Pick<TargetRecord, 'orderId' | 'nodeId'>, code: string): void =>
    audit.record(tx, {
      code: 'A3002W',
      who: run.requester,
      nodeId: target.nodeId,
      orderId: target.orderId,
      detail: { runId: run.id, action: run.action, code },
    });

  /** Signs one target that lies unsigned in the queue and stores it; the caller's transaction holds its lock. */
  const settleUnsigned = async (tx: Tx, run: RunRecord, target: TargetRecord): Promise<'settled' | 'away'> => {
    const outcome = await sign(run, target);
    if (outcome.kind === 'away') return 'away';
    if (outcome.kind === 'refused') {
      const end = { state: 'refused' as const, code: outcome.code, detail: outcome.detail, finishedAt: clock.nowMs() };
      await targets.close(tx, target.orderId, end);
      await runs.closeTargets(tx, run.id, 1, clock.nowMs());
      noteRefused(tx, run, target, outcome.code);
      tx.afterCommit(() => events.runFinished(run.id));
      return 'settled';
    }
    const isOnline = links.isOnline(target.nodeId);
    const state = isOnline ? ('leased' as const) : ('queued' as const);
    const { jws, orderHash } = outcome;
    await targets.setSigned(tx, target.orderId, { jws, orderHash, state, leasedAt: isOnline ? clock.nowMs() : null });
    noteSigned(tx, run, target);
    if (isOnline) tx.afterCommit(() => send(target, jws));
    return 'settled';
  };

  /** One handful of unsigned targets; true when there may be more. */
  const signSome = async (): Promise<boolean> =>
    transaction(async (tx) => {
      const rows = await targets.unsigned(tx, clock.nowMs(), SIGN_AT_ONCE);
      const byId = new Map(
        (await runs.findMany([...new Set(rows.map(({ runId }) => runId))])).map((run) => [run.id, run]),
      );
      for (const target of rows) {
        const run = byId.get(target.runId);
        if (run !== undefined && (await settleUnsigned(tx, run, target)) === 'away') return false;
        tx.afterCommit(() => events.runChanged(target.runId));
      }
      return rows.length === SIGN_AT_ONCE;
    });

  const storeMoments = async (): Promise<void> => {
    for (const { orderId, moment } of open.takeMoved()) {
      const { state, leasedAt, deliveredAt, startedAt } = moment;
      await targets.setMoment(orderId, { state, leasedAt, deliveredAt, startedAt });
    }
  };

  const beat = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    try {
      await storeMoments();
      while (mayBeUnsigned) mayBeUnsigned = await signSome();
    } finally {
      isBusy = false;
    }
  };

  const tellTarget = async (orderId: string): Promise<void> => {
    const target = await targets.find(orderId);
    if (target === null || target.finishedAt !== null) return;
    events.targetChanged(
      target.runId,
      toRunTarget(target, await parts.hostNameOf(target.nodeId), open.momentOf(orderId)),
    );
  };

  return {
    sign,
    send,
    noteSigned,
    noteRefused,
    /** There are unsigned targets in the queue. */
    wake: (): void => {
      mayBeUnsigned = true;
    },
    start: (): void => {
      timer = clock.every(BEAT_MS, () => {
        beat().catch((error: unknown) => {
          // The database is away: the queue is still there when it is back.
          mayBeUnsigned = true;
          log.warn({ err: error }, 'orders could not be signed or their progress stored');
        });
      });
    },
    stop: (): void => timer?.cancel(),

    /** As the gateway asks after each `status` (rule ORDER9). */
    pendingOrders: async (link: { readonly nodeId: NodeId }): Promise<readonly string[]> => {
      const pending = await targets.pendingOf(link.nodeId, clock.nowMs());
      for (const target of pending) {
        open.sent(target, clock.nowMs());
        const order = open.find(target.orderId, link.nodeId);
        if (order !== null) open.move(order, {});
      }
      return pending.map(({ jws }) => jws);
    },
    orderTaken: async (link: { readonly nodeId: NodeId }, orderId: string): Promise<void> => {
      const order = open.find(orderId, link.nodeId);
      if (order === null || order.moment.state !== 'leased') return;
      open.move(order, { state: 'delivered', deliveredAt: clock.nowMs() });
    },
    progress: async (
      link: { readonly nodeId: NodeId },
      { order: orderId, step, done, total }: ProgressMessage,
    ): Promise<void> => {
      const order = open.find(orderId, link.nodeId);
      if (order === null) return;
      const startedAt = order.moment.startedAt ?? clock.nowMs();
      open.move(order, { state: 'started', startedAt, step, stepDone: done, stepTotal: total });
      await tellTarget(orderId);
    },
  };
}
