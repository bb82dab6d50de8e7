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

export const mailboxUnsuspend = defineAction({
  name: 'mailbox.unsuspend',
  version: 1,
  title: 'Let a mailbox be used again',
  docs: `Takes a suspension back: its owner can log in with the password from before, and finds what was delivered meanwhile. Undo suspends it again.`,
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
      await planMailbox(planner, address, { ...now, suspended: false });
    }),
  verify: (host, args) => verifySuspended(host, addressOf(args), false),
});
