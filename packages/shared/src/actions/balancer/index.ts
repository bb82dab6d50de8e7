/** HAProxy: its servers in and out of traffic. */
import type { ActionDefinition } from '../define-action.ts';
import { balancerDrain } from './balancer-drain.ts';
import { balancerList } from './balancer-list.ts';
import { balancerMaint } from './balancer-maint.ts';
import { balancerReady } from './balancer-ready.ts';
import { balancerWeight } from './balancer-weight.ts';

export const BALANCER_ACTIONS: readonly ActionDefinition[] = [
  balancerDrain,
  balancerList,
  balancerMaint,
  balancerReady,
  balancerWeight,
];
