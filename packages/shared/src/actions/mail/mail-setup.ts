import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import type { FileMeta } from '../host.ts';
import { NOLOGIN } from '../hosting-layout.ts';
import { planChanges, refuse } from '../planner.ts';
import { mailLocks } from './mail-args.ts';
import { DOVECOT_SNIPPET, MAIL_CONFIG, MAIL_KEPT, MAIL_ROOT, POSTFIX_LINES, VMAIL } from './mail-layout.ts';

const FOLDER: FileMeta = { mode: 0o755, uid: 0, gid: 0 };

export const mailSetup = defineAction({
  name: 'mail.setup',
  version: 1,
  title: 'Prepare a node for mailboxes',
  docs: `Makes the user vmail, the folder /srv/mail, and in /etc/hosting/mail empty lists of mailboxes with their tables and dovecot.conf. Main configuration files are not touched: write "!include /etc/hosting/mail/dovecot.conf" into /etc/dovecot/local.conf, take the other passdb and userdb out, and put the lines that the plan's notes say into Postfix's main.cf. Undo removes what was made while it is empty.`,
  risk: 'medium',
  roles: ['mail'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['groupadd', 'groupdel', 'useradd', 'userdel', 'postmap'],
  locks: () => [...mailLocks(), 'passwd'],
  plan: (host) =>
    planChanges(host, async (planner) => {
      const dovecot = await host.accounts.groupByName('dovecot');
      if (dovecot === null) return refuse('Dovecot is not installed on this node: install the package dovecot-imapd');
      const { name, uid } = VMAIL;
      await planner.group({ name, gid: uid, members: [] });
      await planner.user({ name, uid, gid: uid, comment: '', home: MAIL_ROOT, shell: NOLOGIN });
      for (const path of ['/srv', MAIL_ROOT, '/etc/hosting']) await planner.directory(path, FOLDER, { shared: true });
      await planner.directory(MAIL_KEPT, { mode: 0o700, uid: 0, gid: 0 });
      await planner.directory(MAIL_CONFIG, FOLDER);
      for (const list of ['users', 'denied']) {
        // Lists with mailboxes in them stay as they are, now and when this is undone.
        const path = `${MAIL_CONFIG}/${list}`;
        if ((await host.files.state(path)).type !== 'file')
          await planner.file(path, '', { mode: 0o640, uid: 0, gid: dovecot.gid });
      }
      await planner.file(`${MAIL_CONFIG}/dovecot.conf`, DOVECOT_SNIPPET, { mode: 0o644, uid: 0, gid: 0 });
      for (const table of ['domains.db', 'mailboxes.db'])
        await planner.file(`${MAIL_CONFIG}/${table}`, '', { mode: 0o644, uid: 0, gid: 0 }, { grows: true });
      if (planner.changes.length > 0) planner.task('mail.index', {}, 'Make the tables of Postfix');
      for (const line of POSTFIX_LINES) planner.note(`main.cf: ${line}`);
      return undefined;
    }),
  async verify(host) {
    const state = await host.files.state(`${MAIL_CONFIG}/users`);
    return [{ name: 'The list is there', ok: state.type === 'file', saw: state.type }];
  },
});
