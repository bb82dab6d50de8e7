import type { Tx } from '../db/transaction.ts';
import type { RolloutParts } from './rollout-parts.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import { approversOf, stepAt } from './sign-orders.ts';

const FORBIDDEN_NOW = 'Not started: the person who asked for it may not do this here any more.';

/** What came of a release. */
export type Released = { readonly kind: 'released'; readonly orders: number } | { readonly kind: 'gone' };

/**
 * Lets orders of the waves that have begun be signed: within the transaction that holds the lock of the run, so that no other
 * controller counts the same room.
 */
export function createReleaseWave(parts: RolloutParts) {
  const { rollouts, runs, audit, clock, health, judgeRelease } = parts;

  const refuse = async (tx: Tx, run: RunRecord, targets: readonly TargetRecord[]): Promise<void> => {
    if (targets.length === 0) return;
    const end = { state: 'refused', code: 'FORBIDDEN', detail: FORBIDDEN_NOW, finishedAt: clock.nowMs() } as const;
    const ids = targets.map(({ orderId }) => orderId);
    const closed = await rollouts.end(tx, ids, end);
    runs.closeTargets(tx, run.id, closed, clock.nowMs());
    const detail = { runId: run.id, orders: closed, says: FORBIDDEN_NOW };
    audit.record(tx, { code: 'A3002W', who: run.requester, detail });
  };

  /** Failed units of those that begin now, to be held against what is there after their wave. */
  const unitsOf = async (targets: readonly TargetRecord[]): Promise<ReadonlyMap<string, number>> => {
    const first = targets.filter(({ position }) => position === 0);
    const found = await health(first.map(({ nodeId }) => nodeId));
    return new Map(
      first.flatMap(({ orderId, nodeId }): [string, number][] => {
        const units = found.get(nodeId)?.failedUnits ?? null;
        return units === null ? [] : [[orderId, units]];
      }),
    );
  };

  return async (tx: Tx, run: RunRecord, most: number): Promise<Released> => {
    const ready = await rollouts.ready(tx, run.id, run.wave, most);
    if (ready.length === 0) return { kind: 'released', orders: 0 };
    const actions = [...new Set(ready.map(({ position }) => stepAt(run, position).action))];
    const requester = { id: run.requesterId, via: run.via, approvedBy: approversOf(run) };
    const judged = await judgeRelease(
      requester,
      actions,
      ready.map(({ nodeId }) => nodeId),
    );
    if (judged.isGone) return { kind: 'gone' };
    await refuse(
      tx,
      run,
      ready.filter(({ nodeId }) => judged.forbidden.has(nodeId)),
    );
    const allowed = ready.filter(({ nodeId }) => !judged.forbidden.has(nodeId));
    // People approved one moment for all of it.
    const expiresAt = run.approval === null ? clock.nowMs() + run.startWithinMs : run.expiresAt;
    const ids = allowed.map(({ orderId }) => orderId);
    await rollouts.release(tx, ids, Math.min(expiresAt, run.expiresAt), await unitsOf(allowed));
    return { kind: 'released', orders: ready.length };
  };
}
