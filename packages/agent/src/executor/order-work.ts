import {
  parseActionArguments,
  PROGRAMS,
  programsOf,
  type Change,
  type Host,
  type Program,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { UndoOrder } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { withinPrograms } from '../host/index.ts';
import type { AcceptedOrder } from './check-order.ts';
import { checkUndo } from './check-undo.ts';
import type { ActionSource } from './custom-catalogue.ts';
import type { ExecutorLog } from './executor-log.ts';
import type { OrderNews } from './order-news.ts';
import { resultOf, type OrderResult } from './order-result.ts';
import type { OrderJournal, Unfinished } from './order-journal.ts';
import { recoverAction } from './recover-order.ts';
import { runAction, type RunEnd } from './run-action.ts';
import { recoverUndo, undoOrder } from './undo-order.ts';
import type { UndoStore } from './undo-store.ts';

/** What it takes to carry out an action. */
export interface WorkParts {
  readonly clock: Clock;
  readonly host: Host;
  readonly actions: ActionSource;
  readonly journal: OrderJournal;
  /** What orders changed, for their undo. */
  readonly undo: UndoStore;
  readonly log: ExecutorLog;
}
type AcceptedAction = Extract<AcceptedOrder, { kind: 'action' }>;

/** Later than the check of the order: another undo may have had the locks meanwhile. */
async function workOnUndo(order: UndoOrder, parts: WorkParts, news: OrderNews): Promise<OrderResult> {
  const { undo, journal, host } = parts;
  const denied = checkUndo(order, parts);
  if (denied !== null) return resultOf('refused', denied.code, denied.detail);
  const changes = undo.changesOf(order.undoes);
  if (changes === null) return resultOf('refused', 'UNDO_UNKNOWN', 'what that order changed is lost on this node');
  return await undoOrder({
    undoes: order.undoes,
    changes,
    host,
    begin: (begun) => journal.begin(order.id, begun),
    step: (index, what) => journal.step(order.id, index, what),
    progress: news.progress,
    undone: () => undo.undone(order.undoes, order.id),
  });
}

/** What was changed is kept for an undo; without it the order has succeeded all the same. */
async function keepChanges(
  order: Parameters<WorkParts['undo']['keep']>[0],
  names: readonly string[],
  changes: readonly Change[],
  { undo, log }: WorkParts,
): Promise<void> {
  try {
    await undo.keep(order, names, changes);
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    log.warn({ err: error, order: order.id }, 'what an order changed cannot be kept, so it cannot be undone later');
  }
}

/** Carries out what was accepted, under its locks, with the programs of its action only. */
export async function workOn(
  accepted: AcceptedAction,
  names: readonly string[],
  parts: WorkParts,
  news: OrderNews,
): Promise<RunEnd> {
  const { action, args } = accepted;
  return await withinPrograms(programsOf(action, args), () => carryOut(accepted, names, parts, news));
}

async function carryOut(
  { order, action, args }: AcceptedAction,
  names: readonly string[],
  parts: WorkParts,
  news: OrderNews,
): Promise<RunEnd> {
  if (order.mode === 'undo') return { result: await workOnUndo(order, parts, news), stuck: null };
  const { host, clock, journal } = parts;
  let begun: readonly Change[] = [];
  const end = await runAction({
    order,
    action,
    args,
    host,
    clock,
    begin: async (changes) => {
      begun = changes;
      await journal.begin(order.id, changes);
    },
    step: (index, what) => journal.step(order.id, index, what),
    progress: news.progress,
  });
  if (end.result.outcome === 'succeeded' && begun.length > 0) await keepChanges(order, names, begun, parts);
  return end;
}

/** Names of the locks that a remembered order needs; none when its action is not known any more. */
export function locksOf(order: Unfinished['order'], { actions }: Pick<WorkParts, 'actions'>): readonly string[] {
  const action = order.kind === 'action' ? actions.get(order.action) : undefined;
  if (order.kind !== 'action' || action === undefined) return [];
  const parsed = parseActionArguments(action, order.args);
  return parsed.ok ? action.locks(parsed.args) : [];
}

/** Programs of the action of a remembered order; all of them when it is not known any more, for what it left is taken back. */
function programsFor({ order }: Unfinished, { actions }: WorkParts): readonly Program[] {
  const action = order.kind === 'action' ? actions.get(order.action) : undefined;
  if (order.kind !== 'action' || action === undefined) return PROGRAMS;
  const parsed = parseActionArguments(action, order.args);
  return parsed.ok ? programsOf(action, parsed.args) : action.programs;
}

/** Settles an action that was cut off (rules ORDER6 and ORDER14), with the programs of its action only. */
export const recoverWork = (unfinished: Unfinished, parts: WorkParts): Promise<OrderResult> =>
  withinPrograms(programsFor(unfinished, parts), () => recover(unfinished, parts));

async function recover(unfinished: Unfinished, parts: WorkParts): Promise<OrderResult> {
  const { order, changes } = unfinished;
  const { host, actions, journal, undo } = parts;
  const step = journal.step.bind(journal, order.id);
  if (order.kind === 'action' && order.mode === 'undo' && changes !== null)
    return await recoverUndo({
      undoes: order.undoes,
      changes,
      host,
      step,
      progress: () => undefined,
      undone: () => undo.undone(order.undoes, order.id),
    });
  const result = await recoverAction(unfinished, { host, actions, step });
  if (order.kind === 'action' && changes !== null && changes.length > 0) {
    if (result.outcome === 'succeeded') await keepChanges(order, locksOf(order, parts), changes, parts);
    else await undo.forget(order.id);
  }
  return result;
}
