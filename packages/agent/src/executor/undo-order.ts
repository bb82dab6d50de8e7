import { planHash } from '@hauban/link';
import {
  applyChange,
  changeState,
  changeStates,
  countOf,
  describeChange,
  isLasting,
  revertChange,
  type Change,
  type Host,
  type Verified,
} from '@hauban/shared/actions';
import type { ErrorCode } from '@hauban/shared/errors';
import type { StepWord } from './journal-record.ts';
import { resultOf, showPlan, type OrderResult, type ShownPlan } from './order-result.ts';
import { faultOf } from './run-action.ts';

/** The undo of an order under its locks (rules ORDER12 to ORDER14). */
export interface UndoRun {
  /** The order that is undone. */
  readonly undoes: string;
  readonly changes: readonly Change[];
  readonly host: Host;
  /** Resolves when the changes are on disk again, as those of this order. */
  readonly begin: (changes: readonly Change[]) => Promise<void>;
  readonly step: (index: number, what: StepWord) => void;
  readonly progress: (step: string, done: number, total: number) => void;
  /** Resolves when it is on disk that the order is undone. */
  readonly undone: () => Promise<void>;
}

/** As people see it: the same changes, backwards. */
function showUndo(changes: readonly Change[], undoes: string): ShownPlan {
  const shown = showPlan(planHash(changes), changes, [`Takes back what order ${undoes} changed`]);
  const backwards = shown.changes
    .map(({ kind, title, before, after }) => ({ kind, title: `Undo: ${title}`, before: after, after: before }))
    .toReversed();
  return { ...shown, changes: backwards };
}

/** What somebody changed since: neither the state before nor the one after. */
async function findConflicts(host: Host, changes: readonly Change[]): Promise<readonly string[]> {
  const lasting = changes.filter(isLasting);
  const states = await changeStates(host, lasting);
  return lasting.filter((_, index) => states[index] === 'other').map((change) => describeChange(change).title);
}

/** States = before: the machine is read again, whatever the steps said. */
async function verifyBefore(host: Host, changes: readonly Change[]): Promise<readonly Verified[]> {
  const verified: Verified[] = [];
  for (const change of changes.filter(isLasting)) {
    const name = `As before: ${describeChange(change).title}`;
    try {
      const state = await changeState(host, change);
      verified.push({ name, ok: state === 'before', saw: state });
    } catch (error) {
      verified.push({ name, ok: false, saw: faultOf(error).detail });
    }
  }
  return verified;
}

async function revertAll(run: UndoRun): Promise<{ readonly code: ErrorCode; readonly why: string } | null> {
  const { host, changes, step, progress } = run;
  for (const [index, change] of [...changes.entries()].reverse()) {
    const { title } = describeChange(change);
    progress(`Undo: ${title}`.slice(0, 500), changes.length - 1 - index, changes.length);
    step(index, 'revert');
    try {
      await revertChange(host, change);
    } catch (error) {
      const { code, detail } = faultOf(error);
      return { code, why: `${title}: ${detail}` };
    }
  }
  return null;
}

/** Nothing is left half undone: what was taken back is done again, and what the order had done stands as it did. */
async function putBack(run: UndoRun, code: ErrorCode, why: string, more: Partial<OrderResult>): Promise<OrderResult> {
  const problems: string[] = [];
  for (const [index, change] of run.changes.entries()) {
    run.step(index, 'apply');
    try {
      await applyChange(run.host, change);
    } catch (error) {
      problems.push(`${describeChange(change).title}: ${faultOf(error).detail}`);
    }
  }
  if (problems.length === 0)
    return resultOf('failed', code, `${why}; nothing was undone: everything is as the order had left it`, more);
  const left = problems.slice(0, 10).join('; ');
  return resultOf('undetermined', 'ACTION_UNDO_FAILED', `${why}; it is half undone: ${left}`, more);
}

async function carryOut(run: UndoRun, more: Partial<OrderResult>): Promise<OrderResult> {
  const failed = await revertAll(run);
  if (failed !== null) return await putBack(run, failed.code, failed.why, more);
  run.progress('verify', run.changes.length, run.changes.length);
  const verification = await verifyBefore(run.host, run.changes);
  const missing = verification.filter(({ ok }) => !ok).map(({ name }) => name);
  if (missing.length > 0) {
    const why = `it is not as before: ${missing.slice(0, 5).join('; ')}`;
    return await putBack(run, 'VERIFY_FAILED', why, { ...more, verification });
  }
  await run.undone();
  return resultOf('succeeded', null, `${countOf(run.changes.length, 'change')} undone`, { ...more, verification });
}

/** Looks at every change first, takes all of them back, last first, and reads the machine again. */
export async function undoOrder(run: UndoRun): Promise<OrderResult> {
  const more = { plan: showUndo(run.changes, run.undoes), data: { undoes: run.undoes } };
  try {
    const conflicts = await findConflicts(run.host, run.changes);
    if (conflicts.length > 0) {
      const what = conflicts.slice(0, 10).join('; ');
      const detail = `somebody changed it since, so nothing was undone: ${what}`;
      return resultOf('refused', 'CHANGE_CONFLICT', detail, more);
    }
    await run.begin(run.changes);
    return await carryOut(run, more);
  } catch (error) {
    const { code, detail } = faultOf(error);
    return resultOf('failed', code, `${detail}; nothing was undone`, more);
  }
}

/**
 * After a crash in the middle it goes on: what it had taken back is found so, the rest follows. When that does not lead to
 * the state before, what is undone is done again.
 */
export async function recoverUndo(run: Omit<UndoRun, 'begin'>): Promise<OrderResult> {
  const more = { plan: showUndo(run.changes, run.undoes), data: { undoes: run.undoes } };
  const result = await carryOut({ ...run, begin: () => Promise.resolve() }, more);
  return { ...result, detail: `the executor stopped in the middle; on its return ${result.detail}` };
}
