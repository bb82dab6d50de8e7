import type { ResourceWords } from '../resource.ts';
import type { BalancerResources } from './balancer-host.ts';

export const BALANCER_WORDS: { readonly [N in keyof BalancerResources]: ResourceWords } = {
  'balancer.server': { noun: 'balancer server' },
};
