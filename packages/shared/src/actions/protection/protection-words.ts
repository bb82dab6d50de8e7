import type { ResourceWords } from '../resource.ts';
import type { ProtectionResources } from './protection-host.ts';

export const PROTECTION_WORDS: { readonly [N in keyof ProtectionResources]: ResourceWords } = {
  'fail2ban.ban': { noun: 'fail2ban’s ban' },
  'crowdsec.ban': { noun: 'CrowdSec’s ban' },
};
