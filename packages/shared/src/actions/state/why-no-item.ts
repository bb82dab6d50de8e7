import type { ActionDefinition } from '../define-action.ts';

/** What these leave can be looked at later. A restart or a dump is a moment, and what is deleted comes back by hand only. */
const LASTING = /\.(?:ban|create|grant|install|set-[a-z-]+|start|stop|suspend|switch-version|unban|unsuspend)$/;

/** Why this action can be no part of a wished state; null: it can. */
export function whyNoItem(
  action: Pick<ActionDefinition, 'readOnly' | 'risk'> | undefined,
  name: string,
): string | null {
  if (action === undefined) return `there is no action ${name} that a state could be made of`;
  if (action.readOnly) return `${name} only reads: it leaves no state`;
  if (!LASTING.test(name)) return `${name} is done at a moment: nothing of it can be wished to stay`;
  return action.risk === 'high' ? `${name} is of high risk: it is done by an order of its own, never by a state` : null;
}
