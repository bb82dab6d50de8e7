import type { Tx } from '../db/transaction.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import { runStatement, type SigningOutcome } from './sign-orders.ts';
import type { Requester, StartRunParts } from './start-parts.ts';

/** Up to here orders are signed before the run is stored: one commit, then they are sent. Larger runs are signed behind. */
export const SIGN_FIRST = 64;

export interface Draft {
  readonly target: TargetRecord;
  /** Null: not asked yet. */
  readonly outcome: SigningOutcome | null;
}

interface Storing {
  readonly run: RunRecord;
  readonly drafts: readonly Draft[];
  /** Host names by node. */
  readonly names: ReadonlyMap<string, string>;
  /** Approvals of people; 0: none. */
  readonly needed: number;
  readonly requester: Requester;
  readonly alongside?: Alongside;
}

/** Writes of another room in the transaction of the run; they may not depend on each other's order. */
export type Alongside = (tx: Tx, run: RunRecord) => void;

/** Stores a run with all of its targets at once, then sends what is signed. */
export function createStoreRun(parts: StartRunParts) {
  const { runs, targets, signing, dispatch, events, audit } = parts;
  const { transaction, together, approvals, controllerId, supersede } = parts;
  const write = (tx: Tx, { run, drafts, names, needed, requester, alongside }: Storing): void => {
    const { address } = requester;
    const rows = drafts.map(({ target }) => target);
    runs.add(tx, run);
    targets.add(tx, rows);
    alongside?.(tx, run);
    const { id: runId, action, mode, args, steps, selector, supersedeKey, retryOf } = run;
    const more = { ...(steps.length > 0 ? { steps } : {}), ...(selector === null ? {} : { on: selector }) };
    const links = { ...(supersedeKey === null ? {} : { supersedeKey }), ...(retryOf === null ? {} : { retryOf }) };
    const detail = { runId, action, mode, args, nodes: run.nodeCount, ...more, ...links, ...requester.decision };
    audit.record(tx, { code: 'A3000I', who: run.requester, address, detail });
    if (run.windowRule === 'override') {
      const over = { runId, reason: run.reason, ...requester.decision };
      audit.record(tx, { code: 'A3048W', who: run.requester, address, detail: over });
    }
    if (needed > 0) {
      const nodeIds = rows.map(({ nodeId }) => nodeId);
      const statement = runStatement(run, nodeIds, controllerId);
      const byAnother = requester.decision?.needsApproval === true;
      approvals.ask(tx, { kind: 'run', statement, needed, byAnother, requester });
    }
    for (const { target, outcome } of drafts) {
      const hostName = names.get(target.nodeId) ?? null;
      if (outcome !== null) signing.note(tx, run, { ...target, hostName }, outcome);
    }
    tx.afterCommit(() => {
      for (const target of rows)
        if (target.state === 'leased' && target.jws !== null) dispatch.send(target, target.jws);
      if (rows.some(({ jws, finishedAt }) => jws === null && finishedAt === null)) signing.wake();
      events.runChanged(run.id);
      if (run.rollout !== null) events.rolloutMoved(run.id);
    });
  };

  return async (storing: Storing): Promise<void> => {
    const { run, drafts } = storing;
    // One statement has a bound on its parameters, and cannot read.
    if (drafts.length <= SIGN_FIRST && run.supersedeKey === null) await together((tx) => write(tx, storing));
    else
      await transaction(async (tx) => {
        if (run.supersedeKey !== null)
          await supersede(
            tx,
            run,
            drafts.map(({ target }) => target.nodeId),
          );
        write(tx, storing);
      });
  };
}
