import type { ResourceWords } from '../resource.ts';
import type { MailResources } from './mail-host.ts';

export const MAIL_WORDS: { readonly [N in keyof MailResources]: ResourceWords } = {
  'mail.mailbox': { noun: 'mailbox', hidden: ['passwordHash'] },
  'mail.messages': { noun: 'messages of' },
};
