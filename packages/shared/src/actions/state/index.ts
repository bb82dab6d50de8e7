/**
 * Wished states: many actions looked at, or put right, by one order. The items are the other families' actions; each
 * is judged by the node's policy as if it came alone.
 */
import type { ActionDefinition } from '../define-action.ts';
import { createStateApply } from './state-apply.ts';
import { createStateCompare } from './state-compare.ts';
import type { FindItemAction } from './state-items.ts';

export const createStateActions = (find: FindItemAction): readonly ActionDefinition[] => [
  createStateApply(find),
  createStateCompare(find),
];

export { counterItem, desiredKey } from './desired-key.ts';
export { MOST_APPLIED } from './state-apply.ts';
export { MOST_COMPARED, type Compared, type Deviation } from './state-compare.ts';
export { orderedActions, type StateItem } from './state-items.ts';
export { whyNoItem } from './why-no-item.ts';
