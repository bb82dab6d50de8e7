import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import {
  addressOf,
  knownMailbox,
  MailboxArgs,
  mailLocks,
  normaliseMailbox,
  planMailbox,
  verifySuspended,
} from './mail-args.ts';

export const mailboxSuspend = defineAction({
  name: 'mailbox.suspend',
  version: 1,
  title: 'Suspend a mailbox',
  docs: `Nobody can log in to the mailbox any more, sessions that stand are ended, and mail is still delivered. Dovecot sees it within a second. Undo lets its owner in again.`,
  risk: 'medium',
  roles: ['mail'],
  needsRoot: true,
  readOnly: false,
  args: MailboxArgs,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['postmap', 'doveadm'],
  normalise: normaliseMailbox,
  locks: mailLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const address = addressOf(args);
      const now = await knownMailbox(planner, address);
      await planMailbox(planner, address, { ...now, suspended: true });
      if (!now.suspended) planner.task('mail.kick', { address }, `End the sessions of ${address}`);
    }),
  verify: (host, args) => verifySuspended(host, addressOf(args), true),
});
