import type { ResourceWords } from '../resource.ts';
import type { AccountResources } from './account-host.ts';

export const ACCOUNT_WORDS: { readonly [N in keyof AccountResources]: ResourceWords } = {
  'account.entry': { noun: 'user', hidden: ['password'] },
  'account.expiry': { noun: 'expiry of user' },
  'account.shell': { noun: 'login shell of user' },
  'account.home': { noun: 'home of' },
  'account.jail-file': { noun: 'jailed copy' },
  'account.jail-device': { noun: 'jailed device' },
  'account.quota': { noun: 'disk limit of' },
};
