import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  addressOf,
  knownMailbox,
  lookUpUntil,
  MailboxArgs,
  mailLocks,
  normaliseMailbox,
  planMailbox,
} from './mail-args.ts';
import { mailFolderOf, MAIL_KEPT } from './mail-layout.ts';

export const mailboxDelete = defineAction({
  name: 'mailbox.delete',
  version: 1,
  title: 'Delete a mailbox',
  docs: `Removes a mailbox: nobody can log in, mail to it is refused, sessions that stand are ended. Its messages are moved to /srv/mail/.kept, which only root can enter, and stay there until somebody removes them. Refused while messages of an earlier mailbox of that address are kept. Undo brings mailbox and messages back.`,
  risk: 'high',
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
      if ((await host.resources.read('mail.mailbox', address)) === null) return;
      await knownMailbox(planner, address);
      const messages = await host.resources.read('mail.messages', address);
      if (messages?.place === 'kept') refuse(`${mailFolderOf(address)} is not there, but it is in ${MAIL_KEPT}`);
      if ((await host.files.list(MAIL_KEPT)).includes(address))
        refuse(`${MAIL_KEPT}/${address} holds messages of an earlier mailbox: remove or rename it first`);
      await planMailbox(planner, address, null);
      planner.task('mail.kick', { address }, `End the sessions of ${address}`);
      if (messages !== null) await planner.resource('mail.messages', address, { place: 'kept' });
    }),
  async verify(host, args, changes) {
    const address = addressOf(args);
    const found = await lookUpUntil(host, address, ({ home, accepts }) => home === null && !accepts);
    const messages = await host.resources.read('mail.messages', address);
    const isGone = found.home === null && !found.accepts;
    const kept = changes.length === 0 || messages?.place !== 'live';
    return [
      { name: 'Dovecot and Postfix do not know it', ok: isGone, saw: isGone ? 'gone' : 'still there' },
      { name: 'Its messages are kept', ok: kept, saw: messages?.place ?? 'there were none' },
    ];
  },
});
