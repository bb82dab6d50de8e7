import type { ResourceWords } from '../resource.ts';
import type { ServiceResources } from './service-host.ts';

export const SERVICE_WORDS: { readonly [N in keyof ServiceResources]: ResourceWords } = {
  'service.unit': { noun: 'unit' },
};
