import type { AuditCode } from '@hauban/shared/audit';
import type { Tx } from '../db/transaction.ts';
import type { RolloutParts } from './rollout-parts.ts';
import type { RunRecord } from './runs.repository.ts';

export interface Stopping {
  readonly state: 'stopped' | 'cancelled';
  readonly why: string;
  readonly who: string;
  readonly address: string | null;
  readonly audit: AuditCode;
  /** Take back what succeeded, whatever was said when it was started. */
  readonly isUndone?: boolean;
}

/** Orders that will not go out any more, and those that a node may have. */
export interface Stopped {
  readonly cancelled: number;
  readonly underWay: number;
}

export type StopParts = Pick<RolloutParts, 'rollouts' | 'runs' | 'audit' | 'events' | 'clock'>;

/** Ends what has not gone out, in the transaction that holds the lock of the run. What a node has, the node ends. */
export function createStopRun({ rollouts, runs, audit, events, clock }: StopParts) {
  return async (tx: Tx, run: RunRecord, stopping: Stopping): Promise<Stopped> => {
    const { state, why, who, address, audit: code } = stopping;
    const open = await rollouts.openOf(tx, run.id);
    const unsent = open.filter((target) => target.state === 'waiting' || target.state === 'queued');
    const finishedAt = clock.nowMs();
    const isUndoing = stopping.isUndone === true || (state === 'stopped' && run.rollout?.onFailure === 'undo');
    const ids = unsent.map(({ orderId }) => orderId);
    const cancelled = await rollouts.end(tx, ids, { state: 'cancelled', code: null, detail: why, finishedAt });
    await rollouts.set(tx, run.id, { state, says: why, isUndoing });
    // One open order more while it undoes: the run does not end before that has.
    const closed = cancelled - (isUndoing ? 1 : 0) + (run.isUndoing ? 1 : 0);
    if (closed !== 0) runs.closeTargets(tx, run.id, closed, finishedAt);
    const underWay = open.length - cancelled;
    const detail = { runId: run.id, says: why, cancelled, underWay, undo: isUndoing };
    audit.record(tx, { code, who, address, detail });
    tx.afterCommit(() => {
      events.runChanged(run.id);
      events.runFinished(run.id);
    });
    return { cancelled, underWay };
  };
}
