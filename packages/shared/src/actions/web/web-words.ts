import type { ResourceWords } from '../resource.ts';
import type { WebResources } from './web-host.ts';

export const WEB_WORDS: { readonly [N in keyof WebResources]: ResourceWords } = {
  'web.docroot': { noun: 'document root' },
  'tls.version': { noun: 'certificate' },
};
