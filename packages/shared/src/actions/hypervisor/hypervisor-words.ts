import type { ResourceWords } from '../resource.ts';
import type { HypervisorResources } from './hypervisor-host.ts';

export const HYPERVISOR_WORDS: { readonly [N in keyof HypervisorResources]: ResourceWords } = {
  'hypervisor.power': { noun: 'guest' },
};
