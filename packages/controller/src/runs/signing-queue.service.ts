import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { DispatchService } from './dispatch.service.ts';
import { createHoldBack } from './hold-back.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import type { RunEvents } from './run-events.ts';
import type { RunTargetsRepository, TargetRecord } from './run-targets.repository.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import {
  buildOrder,
  signOrder,
  START_WITHIN_MS,
  stepAt,
  type OrderSigner,
  type SignedTarget,
  type SigningOutcome,
} from './sign-orders.ts';
import type { Windows } from './window-rule.service.ts';

export interface SigningParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly queue: OrderQueueRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly events: RunEvents;
  readonly dispatch: DispatchService;
  readonly signer: OrderSigner;
  readonly clock: Clock;
  readonly controllerId: string;
  readonly windows: Windows;
  hostNameOf(nodeId: string): Promise<string>;
}

/** `hostName`: null when it is not known. */
interface NotedTarget extends Pick<TargetRecord, 'orderId' | 'nodeId' | 'position'> {
  readonly hostName: string | null;
}

export interface SigningService {
  sign(run: RunRecord, target: SignedTarget): Promise<SigningOutcome>;
  /** Audit rows of what was signed or refused, in the transaction that stores it. */
  note(tx: Tx, run: RunRecord, target: NotedTarget, outcome: SigningOutcome): void;
  /** There may be unsigned targets in the queue. */
  wake(): void;
  /** Signs what lies unsigned in the queue, as far as the signer answers. */
  work(): Promise<void>;
}

const AT_ONCE = 100;

interface Asked {
  readonly run: RunRecord;
  readonly target: TargetRecord;
}

/** Orders become signed: at once for a small run, behind for a large one or while the signer is away. */
export function createSigningService(parts: SigningParts): SigningService {
  const { runs, targets, queue, audit, transaction, events, dispatch, signer, clock } = parts;
  const holdBack = createHoldBack(parts);
  // A predecessor may have left some.
  let mayHaveWork = true;

  const sign: SigningService['sign'] = (run, target) =>
    signOrder(
      signer,
      buildOrder(run, target, { controllerId: parts.controllerId, at: clock.nowMs() }),
      run.startWithinMs > START_WITHIN_MS ? 'queued' : 'at-once',
    );

  const note: SigningService['note'] = (tx, run, { orderId, nodeId, hostName, position }, outcome) => {
    const detail = { runId: run.id, action: stepAt(run, position).action, mode: run.mode };
    const entry = { who: run.requester, nodeId, hostName, orderId };
    if (outcome.kind === 'signed') audit.record(tx, { code: 'A3001I', ...entry, detail });
    if (outcome.kind === 'refused')
      audit.record(tx, { code: 'A3002W', ...entry, detail: { ...detail, code: outcome.code } });
  };

  const refuse = async (
    tx: Tx,
    { run, target }: Asked,
    { code, detail }: Extract<SigningOutcome, { kind: 'refused' }>,
  ): Promise<void> => {
    await targets.close(tx, target.orderId, { state: 'refused', code, detail, finishedAt: clock.nowMs() });
    runs.closeTargets(tx, run.id, 1, clock.nowMs());
    tx.afterCommit(() => events.runFinished(run.id));
  };

  /** False: the signer was away for some of them. The caller's transaction holds their locks. */
  const settle = async (tx: Tx, asked: readonly Asked[]): Promise<boolean> => {
    // Together: each by itself would wait for the way to the signer and back.
    const outcomes = await Promise.all(asked.map(({ run, target }) => sign(run, target)));
    const signed: Parameters<typeof queue.setSigned>[1][number][] = [];
    for (const [at, one] of asked.entries()) {
      const { run, target } = one;
      const outcome = outcomes[at];
      if (outcome === undefined || outcome.kind === 'away') continue;
      note(tx, run, { ...target, hostName: await parts.hostNameOf(target.nodeId) }, outcome);
      if (outcome.kind === 'refused') {
        await refuse(tx, one, outcome);
        continue;
      }
      const { jws, orderHash } = outcome;
      const place = dispatch.placeOf(target.nodeId);
      signed.push({ orderId: target.orderId, jws, orderHash, ...place });
      if (place.state === 'leased') tx.afterCommit(() => dispatch.send(target, jws));
    }
    await queue.setSigned(tx, signed);
    return outcomes.every(({ kind }) => kind !== 'away');
  };

  /** One handful; true when there may be more. */
  const signSome = async (): Promise<boolean> =>
    transaction(async (tx) => {
      const rows = await queue.unsigned(tx, clock.nowMs(), AT_ONCE);
      const ids = [...new Set(rows.map(({ runId }) => runId))];
      const byId = new Map((await runs.findMany(ids)).map((run) => [run.id, run]));
      const held = await holdBack.store(tx, await holdBack.closedOf(tx, rows, byId));
      tx.afterCommit(() => ids.forEach((runId) => events.runChanged(runId)));
      const asked = rows.flatMap((target) => {
        const run = byId.get(target.runId);
        return run === undefined || held.has(target.orderId) ? [] : [{ run, target }];
      });
      return (await settle(tx, asked)) && rows.length === AT_ONCE;
    });

  return {
    sign,
    note,
    wake: () => {
      mayHaveWork = true;
    },
    work: async () => {
      while (mayHaveWork) {
        mayHaveWork = false;
        try {
          // Whoever wakes it meanwhile has added what this look did not see.
          if (await signSome()) mayHaveWork = true;
        } catch (error) {
          mayHaveWork = true;
          throw error;
        }
      }
    },
  };
}
