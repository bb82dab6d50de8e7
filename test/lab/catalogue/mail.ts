import { createDisposableNode } from '../disposable-node.ts';
import type { DisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick, word } from './pick.ts';
import { defineFamily, type Arranging } from './scenario.ts';

const DOMAIN = 'w4a.example.net';
const BOXES = ['anna', 'jo.doe', 'zoe'] as const;
const LISTS = '/etc/hosting/mail';
const HASH = `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`;
const SENDERS = ['spam@bad.example', 'spam@bad.example', 'other@bad.example', 'good@fine.example'] as const;

const MAIN_CF = `compatibility_level = 3.6
myhostname = mail.example.org
mydestination =
alias_maps =
inet_interfaces = loopback-only
maillog_file = /var/log/postfix.log
default_transport = retry:no way out of the lab
virtual_mailbox_domains = hash:${LISTS}/domains
virtual_mailbox_maps = hash:${LISTS}/mailboxes
virtual_transport = lmtp:unix:private/dovecot-lmtp
enable_long_queue_ids = yes
`;
const DOVECOT_CONF = `protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = /var/log/dovecot.log
first_valid_uid = 1000
!include ${LISTS}/dovecot.conf
`;

interface Queued {
  readonly id: string;
  readonly isHeld: boolean;
}

async function queueOf(node: DisposableNode): Promise<readonly Queued[]> {
  const { stdout } = await node.mustRun('/usr/sbin/postqueue', ['-j']);
  const rows = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { queue_id: string; queue_name: string });
  return rows.map((row) => ({ id: row.queue_id, isHeld: row.queue_name === 'hold' }));
}

async function thingsOf(node: DisposableNode): Promise<readonly (readonly [string, string])[]> {
  const tables = await node.run('/usr/sbin/postmap', ['-s', `hash:${LISTS}/mailboxes`, `hash:${LISTS}/domains`]);
  const lists = await Promise.all(
    ['users', 'denied'].map(async (name) => [name, await node.readFile(`${LISTS}/${name}`).catch(() => '')] as const),
  );
  const lines = lists.flatMap(([name, text]) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.split(':')[0] ?? '', `${name} ${line}`] as const),
  );
  const addresses = [...new Set(lines.map(([address]) => address))];
  return [
    ['tables of Postfix', tables.stdout.split('\n').toSorted().join('\n')],
    ...addresses.map(
      (address) =>
        [
          `mailbox:${address}`,
          lines
            .filter(([one]) => one === address)
            .map(([, line]) => line)
            .join('\n'),
        ] as const,
    ),
    ...(await queueOf(node)).map(({ id, isHeld }) => [`queue:${id}`, isHeld ? 'held' : 'waits'] as const),
  ];
}

const send = (node: DisposableNode, from: string): Promise<unknown> =>
  node.mustRun('/usr/sbin/sendmail', ['-f', from, '--', 'x@far.example'], { input: 'Subject: x\n\nhello\n' });

/** Until each of so many messages has been tried and waits. */
async function waitForQueue(node: DisposableNode, count: number): Promise<void> {
  await waitUntil(
    'the queue',
    async () => (await node.mustRun('/usr/sbin/postqueue', ['-j'])).stdout.split('no way out').length - 1 === count,
    { timeoutMs: 30_000 },
  );
}

const LEFT_OUT = [
  {
    paths: /^\/etc\/hosting\/mail\/[a-z]+\.db$/,
    why: 'a table is the same in another order of bytes: postmap tells what is in it',
  },
  {
    paths: /^\/var\/(?:spool\/postfix|lib\/(?:postfix|dovecot))(?:\/|$)/,
    why: "Postfix's and Dovecot's own; the queue is asked of Postfix",
  },
  { paths: /^\/run\/dovecot(?:\/|$)/, why: 'sockets of Dovecot' },
];

async function stand(): Promise<DisposableStand> {
  const node = await createDisposableNode({ name: 'cat-mail' });
  const made = await standOn(node, { things: () => thingsOf(node), leftOut: LEFT_OUT });
  await made.orders.ask({ do: 'apply', action: 'mail.setup', args: {} });
  await node.writeFile('/etc/postfix/main.cf', MAIN_CF);
  await node.writeFile('/etc/dovecot/dovecot.conf', DOVECOT_CONF);
  await node.mustRun('/usr/sbin/postfix', ['start']);
  await node.mustRun('/usr/sbin/dovecot');
  await waitUntil('Dovecot', async () => (await node.run('/usr/bin/doveadm', ['who'])).code === 0, {
    timeoutMs: 30_000,
  });
  for (const local of BOXES) {
    const args = { domain: DOMAIN, local, passwordHash: HASH, quotaMiB: 50 };
    const { result } = await made.orders.ask({ do: 'apply', action: 'mailbox.create', args });
    if (result.outcome !== 'succeeded') throw new Error(result.detail);
  }
  for (const sender of SENDERS) await send(node, sender);
  await waitForQueue(node, SENDERS.length);
  return made;
}

type Wants = Arranging<DisposableStand>;
const box = ({ random }: Wants) => ({ domain: DOMAIN, local: pick(random, BOXES) });
const touched = (address: string): readonly RegExp[] => {
  const [local = '', domain = ''] = address.split('@');
  return [
    /^tables of Postfix$/,
    /^path:\/etc\/hosting\/mail\/(?:users|denied)$/,
    new RegExp(`^path:/srv/mail/(?:\\.kept/${address}|${domain}/${local})(?:/|$)`),
    /^path:\/srv\/mail\/\.kept$/,
  ];
};
const some = ({ random }: Wants): object =>
  pick<object>(random, [
    { sender: 'spam@bad.example' },
    { senderDomain: 'bad.example' },
    { recipientDomain: 'far.example' },
    { sender: 'good@fine.example' },
  ]);
const inQueue = ({ ids }: { readonly ids: readonly string[] }) => ({ shows: ids.map((id) => `queue:${id}`) });

export const MAIL = defineFamily<DisposableStand>({
  name: 'mail',
  stand,
  resources: {
    'mail.mailbox': (id) => ({ shows: [`mailbox:${id}`], touches: touched(id) }),
    'mail.messages': (id) => ({
      shows: [`path:/srv/mail/${id.split('@')[1] ?? ''}/${id.split('@')[0] ?? ''}`],
      touches: touched(id),
    }),
  },
  tasks: { 'mail.queue-hold': inQueue, 'mail.queue-release': inQueue, 'mail.queue-delete': inQueue },
  scenarios: [
    {
      action: 'mailbox.create',
      weight: 3,
      arrange: ({ random }) =>
        Promise.resolve({
          domain: pick(random, [DOMAIN, 'other.example.org']),
          local: word(random, 8),
          passwordHash: HASH,
          quotaMiB: 1 + random.below(5000),
        }),
    },
    { action: 'mailbox.delete', weight: 3, arrange: (wants) => Promise.resolve(box(wants)) },
    {
      action: 'mailbox.set-quota',
      weight: 3,
      arrange: (wants) => Promise.resolve({ ...box(wants), quotaMiB: 51 + wants.random.below(5000) }),
    },
    { action: 'mailbox.suspend', weight: 3, arrange: (wants) => Promise.resolve(box(wants)) },
    {
      action: 'mailbox.unsuspend',
      weight: 3,
      async arrange(wants) {
        const args = box(wants);
        await wants.first('mailbox.suspend', args);
        return args;
      },
    },
    { action: 'mail.queue-hold', weight: 12, arrange: (wants) => Promise.resolve(some(wants)) },
    {
      action: 'mail.queue-release',
      weight: 12,
      async arrange(wants) {
        await wants.first('mail.queue-hold', { recipientDomain: 'far.example' });
        return some(wants);
      },
    },
    {
      action: 'mail.queue-flush',
      weight: 12,
      eachTime: 'another attempt each time; nothing of the queue is another thing for it',
      alsoChanges: [{ names: /^queue:/, why: 'a message that is tried anew is in another queue for a moment' }],
      arrange: (wants) => Promise.resolve(wants.random.below(2) === 0 ? { all: true } : some(wants)),
    },
    {
      action: 'mail.queue-delete',
      weight: 8,
      stays: 'what is deleted is gone: its docs say so, and its risk is high',
      async arrange({ stand: { node }, random, atEnd }) {
        const before = new Set((await queueOf(node)).map(({ id }) => id));
        const sender = `${word(random, 6)}@gone.example`;
        for (let count = 1 + random.below(3); count > 0; count -= 1) await send(node, sender);
        await waitUntil('new messages', async () => (await queueOf(node)).length > before.size);
        const mine = (await queueOf(node)).map(({ id }) => id).filter((id) => !before.has(id));
        atEnd(() => node.run('/usr/sbin/postsuper', ['-d', '-'], { input: mine.map((id) => `${id}\n`).join('') }));
        await waitForQueue(node, before.size + mine.length);
        return pick<object>(random, [{ sender }, { ids: mine }, { senderDomain: 'gone.example' }]);
      },
    },
    { action: 'mail.queue-list', arrange: (wants) => Promise.resolve(some(wants)) },
  ],
});

/** A machine that was never prepared for mail. */
export const NEW_MAIL = defineFamily<DisposableStand>({
  name: 'mail, new',
  stand: async () => standOn(await createDisposableNode({ name: 'cat-newmail' })),
  resources: {},
  tasks: {},
  scenarios: [
    {
      action: 'mail.setup',
      weight: 2,
      alwaysNew: [
        { names: /^path:\/etc\/hosting\/mail\/[a-z]+\.db$/, why: 'a table has another order of bytes each time' },
      ],
      arrange: () => Promise.resolve({}),
    },
  ],
});
