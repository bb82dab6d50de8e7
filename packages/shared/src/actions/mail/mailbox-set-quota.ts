import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { Domain } from '../params.ts';
import { planChanges } from '../planner.ts';
import {
  addressOf,
  knownMailbox,
  LocalPart,
  mailLocks,
  MailQuota,
  normaliseMailbox,
  planMailbox,
  verifyMailbox,
} from './mail-args.ts';

export const mailboxSetQuota = defineAction({
  name: 'mailbox.set-quota',
  version: 1,
  title: 'Set the quota of a mailbox',
  docs: `Gives a mailbox another quota. Dovecot reads it at the next delivery or login; mail that is there stays, even when it is more. Undo brings the old quota back.`,
  risk: 'medium',
  roles: ['mail'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({ domain: Domain, local: LocalPart, quotaMiB: MailQuota }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['postmap', 'doveadm'],
  normalise: normaliseMailbox,
  locks: mailLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const address = addressOf(args);
      const now = await knownMailbox(planner, address);
      await planMailbox(planner, address, { ...now, quotaMiB: args.quotaMiB });
    }),
  verify: (host, args) => verifyMailbox(host, addressOf(args), args.quotaMiB),
});
