import {
  rolloutAtOnce,
  type RunChange,
  type RunDetail,
  type RunRequest,
  type RunRetryRequest,
} from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Transact, Tx } from '../db/transaction.ts';
import { toRunRow } from './run-row.ts';
import type { RunViewsRepository } from './run-views.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import type { Requester, Retry } from './start-run.service.ts';
import type { UndoRunRepository } from './undo-run.repository.ts';
import { createStopRun, type Stopped, type StopParts } from './stop-run.ts';

export interface RunControlParts extends StopParts {
  readonly transaction: Transact;
  readonly views: RunViewsRepository;
  readonly undos: UndoRunRepository;
  ordersOfCause(runId: string, cause: string): Promise<ReadonlySet<string>>;
  start(request: RunRequest, requester: Requester, retry: Retry): Promise<RunDetail>;
}

const conflict = (detail: string): HaubanError => new HaubanError('CONFLICT', detail);
const noSuch = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no run with this id.');

function checkReason(reason: string | undefined): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(reason ?? '')) throw new HaubanError('BAD_REQUEST', 'reason is one line of text.');
  return reason === undefined ? '' : `: ${reason}`;
}

/** What has to be done again of a run, as a request of its own. */
function requestAgain(run: RunRecord, nodes: string[], retry: RunRetryRequest): RunRequest {
  const { action, args, steps, mode, startWithinMs, supersedeKey } = run;
  const what =
    steps.length === 0
      ? { action, args }
      : { steps: steps.map((step) => ({ action: step.action, args: { ...step.args } })) };
  const strategy = retry.strategy ?? (run.rollout === null ? ('at-once' as const) : undefined);
  const reason = retry.reason ?? run.reason ?? undefined;
  return {
    ...what,
    mode,
    nodes,
    startWithinMs,
    ...(run.planHash === null || nodes.length > 1 ? {} : { planHash: run.planHash }),
    ...(supersedeKey === null ? {} : { supersedeKey }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(reason === undefined ? {} : { reason }),
    ...(retry.idempotencyKey === undefined ? {} : { idempotencyKey: retry.idempotencyKey }),
  };
}

/** Takes back what succeeded: of a run under way, which is stopped, or of one that is over. */
function createUndoByHand(
  parts: RunControlParts,
  changeOf: (runId: string, stopped: Stopped) => Promise<RunChange>,
): (runId: string, requester: Requester, reason?: string) => Promise<RunChange> {
  const { rollouts, undos, audit, events, transaction } = parts;
  const stopRun = createStopRun(parts);

  const check = (run: RunRecord): void => {
    if (run.mode === 'plan') throw conflict('A plan changes nothing: there is nothing to undo.');
    if (run.isUndoing) throw conflict('This run is being undone already.');
    if (run.needsApproval)
      throw conflict(
        'People approved this run, not its undoing: run an action that puts it right, and have it approved.',
      );
    if (run.rollout === null && run.finishedAt === null)
      throw conflict('All orders of this run were made at once: wait for its end, then undo it.');
  };

  const reopen = async (tx: Tx, run: RunRecord, why: string, { name: who, address }: Requester): Promise<Stopped> => {
    const { missing } = await undos.state(tx, run.id);
    if (missing.length === 0) throw conflict('There is nothing to undo: no node has a change of this run.');
    await rollouts.reopen(tx, run.id, { says: why, rollout: run.rollout ?? rolloutAtOnce(run.nodeCount) });
    audit.record(tx, { code: 'A3018W', who, address, detail: { runId: run.id, says: why, orders: missing.length } });
    return { cancelled: 0, underWay: 0 };
  };

  return async (runId, requester, reason) => {
    const why = `Undone by ${requester.name}${checkReason(reason)}.`;
    const stopped = await transaction(async (tx) => {
      const run = await rollouts.lock(tx, runId);
      if (run === null) throw noSuch();
      check(run);
      tx.afterCommit(() => {
        events.runChanged(runId);
        events.rolloutMoved(runId);
      });
      if (run.finishedAt !== null) return reopen(tx, run, why, requester);
      const { name: who, address } = requester;
      return stopRun(tx, run, { state: 'stopped', why, who, address, audit: 'A3018W', isUndone: true });
    });
    return changeOf(runId, stopped);
  };
}

/** What people do to a run that is under way, or that did not end well. Who may is judged before. */
export function createRunControl(parts: RunControlParts) {
  const { rollouts, runs, views, audit, events, transaction } = parts;
  const stopRun = createStopRun(parts);

  const lockOpen = async (tx: Tx, runId: string): Promise<RunRecord> => {
    const run = await rollouts.lock(tx, runId);
    if (run === null) throw noSuch();
    if (run.finishedAt !== null) throw conflict('This run is over.');
    return run;
  };

  const changeOf = async (runId: string, { cancelled, underWay }: Stopped): Promise<RunChange> => {
    const run = await runs.find(runId);
    if (run === null) throw noSuch();
    return { run: toRunRow(run, (await runs.counts([runId])).get(runId) ?? {}), cancelled, underWay };
  };

  const hold = async (
    runId: string,
    to: 'paused' | 'running',
    by: { readonly requester: Requester; readonly reason: string },
  ): Promise<RunChange> => {
    const from = to === 'paused' ? 'running' : 'paused';
    const stopped = await transaction(async (tx) => {
      const run = await lockOpen(tx, runId);
      if (run.rollout === null)
        throw conflict(
          'All orders of this run were made at once: there is nothing left to hold back. Cancel it instead.',
        );
      if (run.state !== from) throw conflict(`This run is ${run.state}.`);
      await rollouts.set(tx, runId, { state: to, says: to === 'paused' ? 'Paused.' : null });
      const { name: who, address } = by.requester;
      const detail = { runId, says: by.reason };
      audit.record(tx, { code: to === 'paused' ? 'A3006I' : 'A3007I', who, address, detail });
      tx.afterCommit(() => {
        events.runChanged(runId);
        events.rolloutMoved(runId);
      });
      const open = await rollouts.openOf(tx, runId);
      return { cancelled: 0, underWay: open.filter(({ state }) => state !== 'waiting').length };
    });
    return changeOf(runId, stopped);
  };

  return {
    /** What has not gone out does not; what a node has, the node ends. */
    cancel: async (runId: string, requester: Requester, reason?: string): Promise<RunChange> => {
      const why = `Cancelled by ${requester.name}${checkReason(reason)}.`;
      const stopped = await transaction(async (tx) => {
        const run = await lockOpen(tx, runId);
        const { name: who, address } = requester;
        return stopRun(tx, run, { state: 'cancelled', why, who, address, audit: 'A3008W' });
      });
      return changeOf(runId, stopped);
    },
    /** No further order is made. Orders that are made go on. */
    undo: createUndoByHand(parts, changeOf),
    pause: (runId: string, requester: Requester, reason?: string): Promise<RunChange> =>
      hold(runId, 'paused', { requester, reason: checkReason(reason) }),
    resume: (runId: string, requester: Requester, reason?: string): Promise<RunChange> =>
      hold(runId, 'running', { requester, reason: checkReason(reason) }),
    /** A new run of the same content on the nodes that did not end well. */
    retry: async (runId: string, requester: Requester, retry: RunRetryRequest): Promise<RunDetail> => {
      const run = await runs.find(runId);
      if (run === null) throw noSuch();
      if (run.finishedAt === null) throw conflict('This run is still under way: wait for its end, or cancel it.');
      const all = await views.endedBadly(runId, retry.what === 'unfinished');
      const of = retry.cause === undefined ? null : await parts.ordersOfCause(runId, retry.cause);
      const ended = all.filter(({ orderId }) => of === null || of.has(orderId));
      if (ended.length === 0) throw conflict('There is nothing to try again: no node of this run ended badly.');
      const hashes = new Map<string, string>();
      for (const { nodeId, planHash } of ended) if (planHash !== null) hashes.set(nodeId, planHash);
      const nodes = [...new Set(ended.map(({ nodeId }) => nodeId))];
      return parts.start(requestAgain(run, nodes, retry), requester, {
        of: runId,
        planHashes: hashes.size === 0 ? null : hashes,
      });
    },
  };
}

export type RunControl = ReturnType<typeof createRunControl>;
