import { randomUUID } from 'node:crypto';
import type { Tx } from '../db/transaction.ts';
import type { RolloutParts } from './rollout-parts.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';

const BROKEN = 'Not taken back: a later step of this node could not be.';

/** Its turn may come late: no more nodes work at a time than the run allows. */
const TURN_WITHIN_MS = 12 * 3_600_000;

function undoOf(target: TargetRecord, now: number): TargetRecord {
  return {
    ...target,
    orderId: randomUUID(),
    undoes: target.orderId,
    state: 'waiting',
    expiresAt: now + TURN_WITHIN_MS,
    jws: null,
    orderHash: null,
    code: null,
    detail: '',
    plan: null,
    planHash: null,
    verification: [],
    data: null,
    receipt: null,
    harm: null,
    leasedAt: null,
    deliveredAt: null,
    startedAt: null,
    finishedAt: null,
  };
}

/**
 * Takes back what succeeded of a run that was stopped, the last step of each node first; also what succeeds after the stop.
 * In the transaction that holds the lock of the run.
 */
export function createUndoRun({ rollouts, undos, runs, targets, clock }: RolloutParts) {
  return async (tx: Tx, run: RunRecord): Promise<void> => {
    const now = clock.nowMs();
    const { open, inFlight, missing, isWorking } = await undos.state(tx, run.id);
    const fresh = missing.map((target) => undoOf(target, now));
    targets.add(tx, fresh);
    const broken = await undos.endBroken(tx, run.id, {
      state: 'cancelled',
      code: null,
      detail: BROKEN,
      finishedAt: now,
    });
    const most = Math.max(0, (run.rollout?.maxInFlight ?? 1) - inFlight);
    const ready = await undos.ready(tx, run.id, most);
    const expiresAt = now + run.startWithinMs;
    await rollouts.release(tx, ready, expiresAt, new Map());
    const isOver = !isWorking && fresh.length === 0 && open - broken === 0;
    if (isOver) await rollouts.set(tx, run.id, { isUndoing: false });
    const closed = broken - fresh.length + (isOver ? 1 : 0);
    if (closed !== 0) runs.closeTargets(tx, run.id, closed, now);
  };
}
