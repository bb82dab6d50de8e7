import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { Domain } from '../params.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  addressOf,
  LocalPart,
  mailLocks,
  MailHash,
  MailQuota,
  normaliseMailbox,
  planMailbox,
  verifyMailbox,
} from './mail-args.ts';
import { mailFolderOf, MAIL_CONFIG, MAIL_ROOT, VMAIL } from './mail-layout.ts';

export const mailboxCreate = defineAction({
  name: 'mailbox.create',
  version: 1,
  title: 'Create a mailbox',
  docs: `Makes a mailbox with a quota, from the hash of its password: one line in /etc/hosting/mail/users, an entry in Postfix's tables and an empty folder of vmail. Needs mail.setup. Nothing is reloaded. Proven by what Dovecot and Postfix answer. Undo removes it while no mail is in it.`,
  risk: 'medium',
  roles: ['mail'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object(
    { domain: Domain, local: LocalPart, passwordHash: MailHash, quotaMiB: MailQuota },
    { additionalProperties: false },
  ),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['postmap', 'doveadm'],
  normalise: normaliseMailbox,
  locks: mailLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const address = addressOf(args);
      const { passwordHash, quotaMiB } = args;
      if ((await host.files.state(`${MAIL_CONFIG}/users`)).type !== 'file')
        refuse('this node is not prepared for mailboxes: use mail.setup');
      const now = await host.resources.read('mail.mailbox', address);
      if (now !== null && (now.passwordHash !== passwordHash || now.quotaMiB !== quotaMiB))
        refuse(`mailbox ${address} is there, with another password or quota`);
      await planner.directory(`${MAIL_ROOT}/${args.domain}`, { mode: 0o755, uid: 0, gid: 0 }, { shared: true });
      await planner.directory(mailFolderOf(address), { mode: 0o700, uid: VMAIL.uid, gid: VMAIL.uid });
      await planMailbox(planner, address, { passwordHash, quotaMiB, suspended: now?.suspended ?? false });
    }),
  verify: (host, args) => verifyMailbox(host, addressOf(args), args.quotaMiB),
});
