/** The node itself. */
import type { ActionDefinition } from '../define-action.ts';
import { nodePing } from './node-ping.ts';
import { nodeReboot } from './node-reboot.ts';
import { nodeRebootRequired } from './node-reboot-required.ts';
import { nodeRotateReceiptKey } from './node-rotate-receipt-key.ts';

export const NODE_ACTIONS: readonly ActionDefinition[] = [
  nodePing,
  nodeReboot,
  nodeRebootRequired,
  nodeRotateReceiptKey,
];
