import { HaubanError } from '../errors/index.ts';
import { bansHandler } from './protection/bans-change.ts';
import type { ChangeHandler } from './change-handler.ts';
import type { Change, ChangeKind, ChangeState } from './change.ts';
import { directoryHandler, fileHandler, symlinkHandler } from './file-changes.ts';
import { describeChange } from './describe-change.ts';
import type { Host } from './host.ts';
import { resourceHandler, taskHandler } from './resource-changes.ts';
import { groupHandler, userHandler } from './user-changes.ts';
import { apacheReloadHandler, phpCheckHandler, phpMasterHandler, phpMastersHandler } from './web/web-changes.ts';

const HANDLERS: { readonly [K in ChangeKind]: ChangeHandler<K> } = {
  group: groupHandler,
  user: userHandler,
  directory: directoryHandler,
  file: fileHandler,
  symlink: symlinkHandler,
  'php-master': phpMasterHandler,
  'php-masters': phpMastersHandler,
  'php-check': phpCheckHandler,
  'apache-reload': apacheReloadHandler,
  bans: bansHandler,
  resource: resourceHandler,
  task: taskHandler,
};

// Sound: the handler is chosen by the change's own kind.
const handlerOf = (change: Change): ChangeHandler<ChangeKind> =>
  HANDLERS[change.kind] as unknown as ChangeHandler<ChangeKind>;

/** False for a moment in the list (a restart, a check, a reload): it leaves no state that could be compared later. */
export const isLasting = (change: Change): boolean =>
  handlerOf(change).isMoment !== true && change.kind !== 'apache-reload';

/** `nothing`: the machine was there already. */
export type StepResult = 'done' | 'nothing';

/** Reads where the machine stands with respect to one change. */
export function changeState(host: Host, change: Change): Promise<ChangeState> {
  return handlerOf(change).state(host, change);
}

/**
 * Where the machine stands with respect to each change of a plan. What a later change has taken away as a whole (the
 * expiry of a user that is gone) can not be read by itself any more: it stands where that one does.
 */
export async function changeStates(host: Host, changes: readonly Change[]): Promise<readonly ChangeState[]> {
  const states: ChangeState[] = [];
  for (const change of changes) states.push(await changeState(host, change));
  return states.map((state, index) => {
    const change = changes[index];
    if (state !== 'other' || change?.kind !== 'resource' || change.partOf === undefined) return state;
    const { partOf, id } = change;
    const whole = changes.findIndex(
      (one, at) =>
        at > index && one.kind === 'resource' && one.resource === partOf && one.id === id && one.after === null,
    );
    return states[whole] === 'after' ? 'after' : state;
  });
}

function conflict(change: Change, doing: string): HaubanError {
  return new HaubanError(
    'CHANGE_CONFLICT',
    `${describeChange(change).title}: what is on the machine is neither the state before nor the one after; ${doing} stopped here`,
  );
}

/** Idempotent: brings `after` about; nothing when it is there; CHANGE_CONFLICT when the machine is in a third state. */
export async function applyChange(host: Host, change: Change): Promise<StepResult> {
  const handler = handlerOf(change);
  const state = await handler.state(host, change);
  if (state === 'other') throw conflict(change, 'applying');
  if (state === 'after' && handler.isMoment !== true) return 'nothing';
  await handler.apply(host, change);
  return 'done';
}

/** Idempotent: brings `before` back; nothing when it is there; CHANGE_CONFLICT when the machine is in a third state. */
export async function revertChange(host: Host, change: Change): Promise<StepResult> {
  const handler = handlerOf(change);
  if (handler.isMoment === true) {
    await handler.revert(host, change);
    return 'nothing';
  }
  const state = await handler.state(host, change);
  if (state === 'other') throw conflict(change, 'undoing');
  if (state === 'before') {
    await handler.tidy?.(host, change);
    return 'nothing';
  }
  await handler.revert(host, change);
  return 'done';
}

/** All of them, in order; a failure leaves those done so far for `revertChanges`. */
export async function applyChanges(host: Host, changes: readonly Change[]): Promise<void> {
  for (const change of changes) await applyChange(host, change);
}

/**
 * In reverse order, going on after a failure so that as much as possible is taken back; changes that were never
 * applied are found `before` and left alone. Returns what could not be undone.
 */
export async function revertChanges(host: Host, changes: readonly Change[]): Promise<readonly HaubanError[]> {
  const problems: HaubanError[] = [];
  for (const change of changes.toReversed()) {
    try {
      await revertChange(host, change);
    } catch (error) {
      problems.push(
        error instanceof HaubanError
          ? error
          : new HaubanError('ACTION_UNDO_FAILED', `${describeChange(change).title}: unexpected fault`, {
              cause: error,
            }),
      );
    }
  }
  return problems;
}
