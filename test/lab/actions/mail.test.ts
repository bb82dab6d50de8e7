import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import { expectDone } from './hosting-node.ts';

const lab = labRequirements();
const DOMAIN = 'w4a.example.net';
const BOX = { domain: DOMAIN, local: 'jo.doe' } as const;
const ADDRESS = `jo.doe@${DOMAIN}`;
const PASSWORD = 'correct-horse';

const MAIN_CF = `compatibility_level = 3.6
myhostname = mail.example.org
mydestination =
alias_maps =
inet_interfaces = loopback-only
maillog_file = /var/log/postfix.log
default_transport = retry:no way out of the lab
virtual_mailbox_domains = hash:/etc/hosting/mail/domains
virtual_mailbox_maps = hash:/etc/hosting/mail/mailboxes
virtual_transport = lmtp:unix:private/dovecot-lmtp
enable_long_queue_ids = yes
`;
const DOVECOT_CONF = `protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = /var/log/dovecot.log
first_valid_uid = 1000
!include /etc/hosting/mail/dovecot.conf
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
`;

describe.skipIf(!lab.ok)('mail on a real node', () => {
  let node: DisposableNode;
  let actions: ActionNode;
  let hash = '';
  beforeAll(async () => {
    node = await createDisposableNode({ name: 'mail' });
    actions = await putDriverInto(node);
  }, 60_000);
  afterAll(() => node.destroy());

  const apply = async (action: string, args: unknown) => expectDone(await actions.apply(action, args));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expect(expectDone(await actions.call({ mode: 'undo', changes })).problems).toEqual([]);
  const state = async (): Promise<string> => {
    const listed = await node
      .mustRun('/usr/bin/find', [
        '/etc/hosting',
        '/srv/mail',
        '/etc/passwd',
        '/etc/group',
        '-not',
        '-name',
        '*.db',
        '-printf',
        '%y %m %U:%G %p\n',
      ])
      .catch(() => null);
    const lists = await node.run('/usr/bin/sha256sum', [
      '/etc/hosting/mail/users',
      '/etc/hosting/mail/denied',
      '/etc/passwd',
    ]);
    const tables = await node.run('/usr/sbin/postmap', [
      '-s',
      'hash:/etc/hosting/mail/mailboxes',
      'hash:/etc/hosting/mail/domains',
    ]);
    return [listed?.stdout.split('\n').sort().join('\n'), lists.stdout, tables.stdout].join('\n');
  };
  const logsIn = async (user: string, password: string): Promise<boolean> =>
    (await node.run('/usr/bin/doveadm', ['auth', 'test', '-x', 'service=imap', user, password])).code === 0;
  const send = (from: string, to: string, body = 'hello'): Promise<unknown> =>
    node.mustRun('/usr/sbin/sendmail', ['-f', from, '--', to], { input: `Subject: x\n\n${body}\n` });
  const queue = async (args: unknown = {}) =>
    expectDone(await actions.plan('mail.queue-list', args)).data as {
      total: number;
      matching: number;
      messages: { id: string; held: boolean; sender: string; reason: string }[];
      bySenderDomain: { name: string; messages: number }[];
      byReason: { name: string; messages: number }[];
    };
  const mailIn = async (): Promise<number> =>
    (await node.run('/usr/bin/find', [`/srv/mail/${DOMAIN}/jo.doe`, '-path', '*/new/*', '-type', 'f'])).stdout.split(
      '\n',
    ).length - 1;

  it('prepares the node; twice is once; undo leaves it as it was', async () => {
    expect(
      await actions.plan('mailbox.create', {
        ...BOX,
        passwordHash: `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`,
        quotaMiB: 10,
      }),
    ).toMatchObject({
      ok: false,
      detail: expect.stringContaining('mail.setup'),
    });
    const before = await state();
    const first = await apply('mail.setup', {});
    expect((await apply('mail.setup', {})).changes).toEqual([]);
    await undo(first.changes);
    expect(await state()).toBe(before);
    await apply('mail.setup', {});
    await node.writeFile('/etc/postfix/main.cf', MAIN_CF);
    await node.writeFile('/etc/dovecot/dovecot.conf', DOVECOT_CONF);
    await node.mustRun('/usr/sbin/postfix', ['start']);
    await node.mustRun('/usr/sbin/dovecot');
    hash = (await node.mustRun('/usr/bin/doveadm', ['pw', '-s', 'SHA512-CRYPT', '-p', PASSWORD])).stdout.trim();
    await waitUntil('Dovecot', async () => (await node.run('/usr/bin/doveadm', ['who'])).code === 0, {
      timeoutMs: 20_000,
    });
  });

  describe('mailboxes', () => {
    it('makes one that logs in and gets mail; twice is once; undo leaves the lists as they were', async () => {
      const before = await state();
      const args = { ...BOX, passwordHash: hash, quotaMiB: 2 };
      const planned = expectDone(await actions.plan('mailbox.create', args));
      expect(await state()).toBe(before);
      const made = await apply('mailbox.create', args);
      expect(made.changes).toEqual(planned.changes);
      expect(JSON.stringify(made.titles)).not.toContain(hash);
      expect(await logsIn(ADDRESS, PASSWORD)).toBe(true);
      expect(await logsIn(ADDRESS, 'wrong')).toBe(false);
      expect((await apply('mailbox.create', args)).changes).toEqual([]);
      await undo(made.changes);
      expect(await state()).toBe(before);
      await apply('mailbox.create', args);
      await send('a@b.example', ADDRESS);
      await waitUntil('the delivery', async () => (await mailIn()) === 1, { timeoutMs: 20_000 });
      expect(
        (await node.mustRun('/usr/bin/stat', ['-c', '%a %u', `/srv/mail/${DOMAIN}/jo.doe`, '/etc/hosting/mail/users']))
          .stdout,
      ).toBe('700 5000\n640 0\n');
    });

    it('undo of a creation keeps mail that came meanwhile', async () => {
      const answer = expectDone(
        await actions.call({
          mode: 'undo',
          changes: [
            {
              kind: 'directory',
              path: `/srv/mail/${DOMAIN}/jo.doe`,
              before: null,
              after: { mode: 0o700, uid: 5000, gid: 5000 },
            },
          ],
        }),
      );
      expect(answer.problems).toMatchObject([{ code: 'CHANGE_CONFLICT' }]);
      expect(await mailIn()).toBe(1);
    });

    it('is seen by Dovecot at each of several changes in one second, though the list has the same size', async () => {
      for (const quotaMiB of [3, 4, 5, 2]) await apply('mailbox.set-quota', { ...BOX, quotaMiB });
    });

    it('sets the quota, which bounces what is too much, and takes it back', async () => {
      const { changes } = await apply('mailbox.set-quota', { ...BOX, quotaMiB: 1 });
      expect((await apply('mailbox.set-quota', { ...BOX, quotaMiB: 1 })).changes).toEqual([]);
      await send('a@b.example', ADDRESS, 'x'.repeat(70).concat('\n').repeat(24_000));
      await waitUntil('the bounce', async () => (await queue({ sender: 'MAILER-DAEMON' })).matching === 1, {
        timeoutMs: 20_000,
      });
      expect(await mailIn()).toBe(1);
      await undo(changes);
      await apply('mail.queue-delete', { sender: 'MAILER-DAEMON' });
    });

    it('suspends: no login, delivery goes on; unsuspends; each can be undone', async () => {
      const before = await state();
      const suspended = await apply('mailbox.suspend', BOX);
      await waitUntil('no login', async () => !(await logsIn(ADDRESS, PASSWORD)), { timeoutMs: 10_000 });
      expect((await apply('mailbox.suspend', BOX)).changes).toEqual([]);
      await send('a@b.example', ADDRESS);
      await waitUntil('the delivery', async () => (await mailIn()) === 2, { timeoutMs: 20_000 });
      const free = await apply('mailbox.unsuspend', BOX);
      await waitUntil('a login', () => logsIn(ADDRESS, PASSWORD), { timeoutMs: 10_000 });
      await undo(free.changes);
      await waitUntil('no login again', async () => !(await logsIn(ADDRESS, PASSWORD)), { timeoutMs: 10_000 });
      await undo(suspended.changes);
      await waitUntil('a login again', () => logsIn(ADDRESS, PASSWORD), { timeoutMs: 10_000 });
      expect((await state()).replaceAll(/.*Maildir.*\n/g, '')).toBe(before.replaceAll(/.*Maildir.*\n/g, ''));
    });

    it('deletes with messages kept; undo brings them back', async () => {
      const before = await state();
      const deleted = await apply('mailbox.delete', BOX);
      await waitUntil('no login', async () => !(await logsIn(ADDRESS, PASSWORD)), { timeoutMs: 10_000 });
      expect(
        (
          await node.mustRun('/usr/bin/find', [`/srv/mail/.kept/${ADDRESS}`, '-path', '*/new/*', '-type', 'f'])
        ).stdout.split('\n').length - 1,
      ).toBe(2);
      expect((await apply('mailbox.delete', BOX)).changes).toEqual([]);
      await undo(deleted.changes);
      expect(await state()).toBe(before);
      expect(await mailIn()).toBe(2);
    });

    it('killed at each step it is as before, or as after', async () => {
      const cases: readonly [string, unknown][] = [
        ['mailbox.create', { domain: DOMAIN, local: 'killed', passwordHash: hash, quotaMiB: 5 }],
        ['mailbox.delete', BOX],
      ];
      for (const [action, args] of cases) {
        const before = await state();
        const { changes } = expectDone(await actions.plan(action, args));
        for (let dieAt = 0; dieAt < changes.length; dieAt += 1) {
          await actions.apply(action, args, { dieAt }).catch(() => null);
          await undo(changes);
          expect(await state(), `${action} ${dieAt}`).toBe(before);
        }
      }
    });

    it('half a list that a death in the middle of its writing leaves goes when it is undone', async () => {
      const before = await state();
      const args = { domain: DOMAIN, local: 'half', passwordHash: hash, quotaMiB: 5 };
      const { changes } = expectDone(await actions.plan('mailbox.create', args));
      for (const name of ['users', 'denied', 'mailboxes.next', 'domains.next'])
        await node.writeFile(`/etc/hosting/mail/.${name}.hauban-tmp`, `half@${DOMAIN}:{SHA512`);
      await undo(changes);
      expect(await state()).toBe(before);
    });

    it('lines that somebody else wrote stay, and one of an address that is ours to make is refused', async () => {
      const users = await node.readFile('/etc/hosting/mail/users');
      await node.writeFile('/etc/hosting/mail/users', `${users}# by hand\nhand@${DOMAIN}:{PLAIN}x:::::::nologin\n`);
      expect(await actions.plan('mailbox.delete', { domain: DOMAIN, local: 'hand' })).toMatchObject({
        ok: false,
        detail: expect.stringContaining('by hand'),
      });
      await apply('mailbox.set-quota', { ...BOX, quotaMiB: 7 });
      expect(await node.readFile('/etc/hosting/mail/users')).toContain(`# by hand\nhand@${DOMAIN}:{PLAIN}x`);
      await node.mustRun('/usr/bin/sed', ['-i', '/hand/d', '/etc/hosting/mail/users']);
    });
  });

  describe('the queue', () => {
    beforeAll(async () => {
      for (const sender of ['spam@bad.example', 'spam@bad.example', 'other@bad.example', 'good@fine.example'])
        await send(sender, 'x@far.example');
      await waitUntil(
        'the queue',
        async () =>
          (await queue()).byReason.some(({ name, messages }) => name.includes('no way out') && messages === 4),
        { timeoutMs: 30_000 },
      );
    });

    it('is counted by sender, recipient and reason', async () => {
      const { total, bySenderDomain, byReason } = await queue();
      expect(total).toBe(4);
      expect(bySenderDomain).toEqual([
        { name: 'bad.example', messages: 3 },
        { name: 'fine.example', messages: 1 },
      ]);
      expect(byReason[0]?.name).toContain('no way out of the lab');
    });

    it('holds by sender, releases, each undone', async () => {
      const held = await apply('mail.queue-hold', { sender: 'spam@bad.example' });
      const count = async () => (await queue()).messages.filter((message) => message.held).length;
      expect(await count()).toBe(2);
      expect((await apply('mail.queue-hold', { sender: 'spam@bad.example' })).changes).toEqual([]);
      const released = await apply('mail.queue-release', { senderDomain: 'bad.example' });
      expect(await count()).toBe(0);
      await undo(released.changes);
      expect(await count()).toBe(2);
      await undo(held.changes);
      expect(await count()).toBe(0);
      await apply('mail.queue-flush', { recipientDomain: 'far.example' });
      await apply('mail.queue-flush', { all: true });
    });

    it('deletes by id and by domain, and sees that they are gone; a neighbour’s mail stays', async () => {
      const [first] = (await queue({ sender: 'other@bad.example' })).messages;
      const one = await apply('mail.queue-delete', { ids: [first?.id ?? ''] });
      expect(one.verified[0]?.saw).toBe('1 of 1 are gone');
      const again = await apply('mail.queue-delete', { ids: [first?.id ?? ''] });
      expect(again.changes).toEqual([]);
      expect(again.notes.join()).toContain('not in the queue');
      await apply('mail.queue-delete', { senderDomain: 'bad.example' });
      expect((await queue()).messages.map((message) => message.sender)).toEqual(['good@fine.example']);
    });

    it('an id that is not there is said to be none; control: postsuper ends with 0', async () => {
      const id = '4ZZZZZZZZZzzzzz';
      const ours = await apply('mail.queue-delete', { ids: [id] });
      expect(ours.changes).toEqual([]);
      expect(ours.notes.join()).toContain(`not in the queue (any more): ${id}`);
      const control = await node.run('/usr/sbin/postsuper', ['-d', '-'], { input: `${id}\n` });
      expect(control.code).toBe(0);
    });

    it.each(['ALL', '-', '-d', 'ALL deferred', '../x', 'AB', '4Zx;id'])(
      'the id %j is refused, by plan and by driver',
      async (id) => {
        expect(await actions.apply('mail.queue-delete', { ids: [id] })).toMatchObject({
          ok: false,
          code: 'ACTION_ARGUMENTS',
        });
        expect(
          await actions.call({
            mode: 'undo',
            changes: [{ kind: 'task', task: 'mail.queue-delete', args: { ids: [id] }, title: 'x', when: 'undo' }],
          }),
        ).toMatchObject({ ok: true, problems: [{ code: 'ACTION_REFUSED' }] });
        expect((await queue()).total).toBe(1);
      },
    );

    it('control: postsuper takes ALL, and the neighbour’s mail is gone', async () => {
      expect((await node.run('/usr/sbin/postsuper', ['-d', 'ALL'])).code).toBe(0);
      expect((await queue()).total).toBe(0);
    });
  });

  describe('attacks on the list of mailboxes', () => {
    it.each(['../../etc/x', 'a\nroot', 'a:b', 'a/b', '.a', 'a..b', 'a b', 'A', 'é', '-x', '*', ''])(
      'the local part %j is refused',
      async (local) => {
        const before = await state();
        expect(
          await actions.apply('mailbox.create', { domain: DOMAIN, local, passwordHash: hash, quotaMiB: 1 }),
        ).toMatchObject({ ok: false, code: 'ACTION_ARGUMENTS' });
        const change = {
          kind: 'resource',
          resource: 'mail.mailbox',
          id: `${local}@${DOMAIN}`,
          before: null,
          after: null,
        } as const;
        expect(await actions.call({ mode: 'states', changes: [change] })).toMatchObject({
          ok: false,
          code: 'ACTION_REFUSED',
        });
        expect(await state()).toBe(before);
      },
    );

    it('control: a newline in a name, written as it is, makes a second mailbox that logs in', async () => {
      const users = await node.readFile('/etc/hosting/mail/users');
      const name = `evil\nboss@${DOMAIN}:{PLAIN}stolen::::::\nx`;
      await node.writeFile('/etc/hosting/mail/users', `${users}${name}@${DOMAIN}:${hash}::::::\n`);
      await waitUntil('the second mailbox', () => logsIn(`boss@${DOMAIN}`, 'stolen'), { timeoutMs: 10_000 });
      await node.writeFile('/etc/hosting/mail/users', users);
    });

    it.each([`{PLAIN}x`, `x\n:`, '{SHA512-CRYPT}a:b', '{SHA512-CRYPT}$6$saltsalt$short'])(
      'the hash %j is refused',
      async (passwordHash) => {
        expect(
          await actions.apply('mailbox.create', { ...BOX, local: 'new', passwordHash, quotaMiB: 1 }),
        ).toMatchObject({ ok: false, code: 'ACTION_ARGUMENTS' });
      },
    );
  });
});
