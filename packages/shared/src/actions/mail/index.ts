/** The queue of Postfix, and mailboxes for Postfix and Dovecot. */
import type { ActionDefinition } from '../define-action.ts';
import { mailQueueDelete } from './mail-queue-delete.ts';
import { mailQueueFlush } from './mail-queue-flush.ts';
import { mailQueueHold } from './mail-queue-hold.ts';
import { mailQueueList } from './mail-queue-list.ts';
import { mailQueueRelease } from './mail-queue-release.ts';
import { mailSetup } from './mail-setup.ts';
import { mailboxCreate } from './mailbox-create.ts';
import { mailboxDelete } from './mailbox-delete.ts';
import { mailboxSetQuota } from './mailbox-set-quota.ts';
import { mailboxSuspend } from './mailbox-suspend.ts';
import { mailboxUnsuspend } from './mailbox-unsuspend.ts';

export const MAIL_ACTIONS: readonly ActionDefinition[] = [
  mailQueueDelete,
  mailQueueFlush,
  mailQueueHold,
  mailQueueList,
  mailQueueRelease,
  mailSetup,
  mailboxCreate,
  mailboxDelete,
  mailboxSetQuota,
  mailboxSuspend,
  mailboxUnsuspend,
];
