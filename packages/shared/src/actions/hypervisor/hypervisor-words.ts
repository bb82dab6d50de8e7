import type { ResourceWords } from '../resource.ts';
import type { HypervisorResources } from './hypervisor-host.ts';

export const HYPERVISOR_WORDS: { readonly [N in keyof HypervisorResources]: ResourceWords } = {
  'hypervisor.disk': { noun: 'disk of guest' },
  'hypervisor.guest': { noun: 'guest' },
  'hypervisor.kept': { noun: 'in the trash: guest' },
  'hypervisor.power': { noun: 'guest' },
  'hypervisor.seed': { noun: 'first settings of guest' },
  'hypervisor.snapshot': { noun: 'snapshot' },
};
