import { countOf, parseActionArguments, type Change, type Host, type Verified } from '@hauban/shared/actions';
import type { ActionSource } from './custom-catalogue.ts';
import type { StepWord } from './journal-record.ts';
import type { Unfinished } from './order-journal.ts';
import { resultOf, type OrderResult } from './order-result.ts';
import { allInPlace, faultOf, isVerified, undoChanges, undoneResult } from './run-action.ts';

export interface Recovery {
  readonly host: Host;
  readonly actions: ActionSource;
  readonly step: (index: number, what: StepWord) => void;
}

/** The action's own verify, or null when it is not known any more or does not hold. */
async function verifyAgain(unfinished: Unfinished, { host, actions }: Recovery): Promise<readonly Verified[] | null> {
  const { order, changes } = unfinished;
  const action = order.kind === 'action' ? actions.get(order.action) : undefined;
  if (order.kind !== 'action' || action === undefined || changes === null || action.version !== order.actionVersion)
    return null;
  const parsed = parseActionArguments(action, order.args);
  if (!parsed.ok) return null;
  const verification = await action.verify(host, parsed.args, changes);
  return isVerified(verification) ? verification : null;
}

type Found =
  | { readonly is: 'complete'; readonly verification: readonly Verified[] }
  | { readonly is: 'not'; readonly why: string };

/** A program of the hoster's own that nothing can look after: it may have been killed before its effect. */
const isUnprovable = (change: Change): boolean =>
  change.kind === 'task' && change.task === 'custom.run' && 'canVerify' in change.args && !change.args.canVerify;

/** Does everything that was planned stand, and does the action's own check hold? A check that cannot run does not. */
async function findComplete(unfinished: Unfinished, recovery: Recovery): Promise<Found> {
  if (unfinished.changes?.some(isUnprovable) === true)
    return { is: 'not', why: 'whether a program had its effect cannot be proven' };
  try {
    if (!(await allInPlace(recovery.host, unfinished.changes ?? [])))
      return { is: 'not', why: 'not all changes were in place' };
    const verification = await verifyAgain(unfinished, recovery);
    return verification === null
      ? { is: 'not', why: 'its effect could not be verified' }
      : { is: 'complete', verification };
  } catch (error) {
    return { is: 'not', why: faultOf(error).detail };
  }
}

/**
 * Settles an action that was cut off by the end of the executor (rule ORDER6): the machine says how far it had come.
 * All in place and verified: succeeded. Else undone: failed. Else undetermined, with what is left.
 */
export async function recoverAction(unfinished: Unfinished, recovery: Recovery): Promise<OrderResult> {
  const { changes } = unfinished;
  if (changes === null)
    return resultOf('failed', 'ORDER_INTERRUPTED', 'the executor stopped before anything was changed');
  const found = await findComplete(unfinished, recovery);
  if (found.is === 'complete') {
    const detail = `the executor stopped in the middle; on its return all was found in place (${countOf(changes.length, 'change')})`;
    return resultOf('succeeded', null, detail, { verification: found.verification });
  }
  const problems = await undoChanges(recovery.host, changes, recovery.step);
  // What can not be taken back is finished where that is possible (a `task` for the undo): then it is done.
  const finished = problems.length === 0 ? found : await findComplete(unfinished, recovery);
  if (finished.is === 'complete') {
    const detail = 'the executor stopped in the middle; on its return the rest was done';
    return resultOf('succeeded', null, detail, { verification: finished.verification });
  }
  return undoneResult('ORDER_INTERRUPTED', `the executor stopped in the middle; ${found.why}`, problems, {});
}
