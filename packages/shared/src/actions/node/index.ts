/** The node itself. */
import type { ActionDefinition } from '../define-action.ts';
import { nodePing } from './node-ping.ts';

export const NODE_ACTIONS: readonly ActionDefinition[] = [nodePing];
