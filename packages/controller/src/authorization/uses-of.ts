import { orderedActions } from '@hauban/shared/actions';
import { authorize, type Grant, type Target, type Use } from './authorize.ts';

/** What an order, or the request for approval of one, does: an action with its arguments, or a shell as a user. */
export type Done =
  | { readonly kind: 'shell'; readonly user: string }
  | { readonly kind: 'action' | 'undo'; readonly action: string; readonly args: unknown };

/** Everything that has to be allowed for it: an action that carries others out is about each of them. */
export function usesOf(done: Done, targets: readonly Target[], at: number): readonly Use[] {
  const use = { kind: 'use', targets, at } as const;
  if (done.kind === 'shell') return [{ ...use, right: 'shell', user: done.user }];
  return orderedActions(done.action, done.args).map(({ action }) => ({ ...use, right: 'action', action }));
}

/** By the same rules, all of it. */
export const mayDoAll = (grant: Grant, uses: readonly Use[], approvedBy: NonNullable<Use['approvedBy']>): boolean =>
  uses.length > 0 && uses.every((use) => authorize(grant, { ...use, approvedBy }).allowed);
