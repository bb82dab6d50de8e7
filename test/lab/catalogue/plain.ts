import { partOf } from '@hauban/shared/actions';
import type { SeededRandom } from '@hauban/shared/testing';
import { createDisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick, word } from './pick.ts';
import { defineFamily, type Arranging } from './scenario.ts';

/** What needs no more than a machine: bans, nginx, the receipt key. */

const NGINX = `worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx.log;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:8089; return 204; }
}
`;

async function stand(): Promise<DisposableStand> {
  const node = await createDisposableNode({ name: 'cat-plain' });
  await node.writeFile('/etc/nginx/nginx.conf', NGINX);
  await node.mustRun('/usr/sbin/nginx');
  await waitUntil('nginx', () => node.exists('/run/nginx.pid'));
  // Somebody else's table: never touched.
  await node.mustRun('/usr/sbin/nft', ['add', 'table', 'inet', 'theirs']);
  const made = await standOn(node, {
    leftOut: [
      { paths: /^\/var\/lib\/nginx(?:\/|$)/, why: 'folders that nginx makes for itself' },
      { paths: /^\/run\/nginx[.]pid$/, why: 'the number of a process: that nginx runs is seen by itself' },
    ],
  });
  // The first look makes the first key.
  await made.orders.ask({ do: 'plan', action: 'node.rotate-receipt-key', args: {} });
  return made;
}

/** Distinct, none inside of another one. */
function targets(random: SeededRandom, count: number): readonly string[] {
  const first = random.below(200);
  return Array.from({ length: count }, (_, at) => {
    const net = (first + at) % 250;
    return pick(random, [
      `45.${net}.${random.below(250)}.${random.below(250)}`,
      `45.${net}.${random.below(250)}.0/24`,
      `2a03:${(0x100 + net).toString(16)}::${(1 + random.below(60_000)).toString(16)}`,
      `2a03:${(0x100 + net).toString(16)}::/48`,
    ]);
  });
}

function banArgs(random: SeededRandom) {
  return {
    targets: targets(random, 1 + random.below(12)),
    ...(random.below(4) === 0 ? { permanent: true } : { durationS: 3600 + random.below(80_000) }),
    reason: pick(random, ['manual', 'bruteforce', 'scan', 'abuse', 'xmlrpc']),
  };
}

const unban = async ({ random, first }: Arranging<DisposableStand>) => {
  const args = banArgs(random);
  await first('firewall.ban', args);
  return { targets: args.targets.slice(0, 1 + random.below(args.targets.length)), alsoIn: [] };
};

/** One part of a list, from time to time after another state of that list. */
async function listArgs({ random, first }: Arranging<DisposableStand>): Promise<object> {
  const list = word(random);
  const parts = 1 + random.below(3);
  const all = targets(random, 16);
  const part = partOf(all[0] ?? '', parts);
  const mine = all.filter((target) => partOf(target, parts) === part);
  const groupsOf = (some: readonly string[], hours: number): readonly object[] => [
    { targets: some.slice(0, 1) },
    ...(some.length > 1 ? [{ until: Date.now() + hours * 3_600_000, targets: some.slice(1) }] : []),
  ];
  const [soon, late] = [2 + random.below(50), 60 + random.below(50)];
  if (mine.length > 1 && random.below(2) === 0)
    await first('firewall.set-list', { list, part, parts, groups: groupsOf(mine.slice(0, 1 + mine.length / 2), soon) });
  const now = random.below(2) === 0 ? mine.toReversed() : mine.slice(mine.length > 2 ? 1 : 0);
  return { list, part, parts, groups: groupsOf(now, late) };
}

const nothing = (): Promise<object> => Promise.resolve({});

const explain = async (arranging: Arranging<DisposableStand>): Promise<object> => {
  const { targets: banned } = await unban(arranging);
  return { address: banned[0]?.split('/')[0] ?? '' };
};

export const PLAIN = defineFamily<DisposableStand>({
  name: 'plain',
  stand,
  resources: {},
  tasks: {
    'node.rotate-receipt-key': () => ({
      shows: ['path:/var/lib/hauban-keys/receipt.key'],
      touches: [/^path:\/var\/lib\/hauban-keys(?:\/|$)/],
    }),
  },
  scenarios: [
    {
      action: 'firewall.ban',
      weight: 40,
      async arrange({ random, first }) {
        // Beside others that are there already, from time to time.
        if (random.below(2) === 0) await first('firewall.ban', { targets: ['203.0.114.7'], durationS: 90_000 });
        return banArgs(random);
      },
    },
    { action: 'firewall.unban', weight: 40, arrange: unban },
    { action: 'firewall.set-list', weight: 40, arrange: listArgs },
    {
      action: 'nginx.reload',
      weight: 4,
      eachTime: 'a reload loads what is on disk each time; there is nothing to undo',
      arrange: nothing,
    },
    {
      action: 'nginx.restart',
      eachTime: 'another master each time; there is nothing to undo',
      arrange: nothing,
    },
    {
      action: 'node.rotate-receipt-key',
      weight: 4,
      eachTime: 'another key each time that it is asked for',
      stays: 'the new key is signed for by the one before: there is nothing to undo',
      alwaysNew: [{ names: /^path:\/var\/lib\/hauban-keys\//, why: 'a key is random' }],
      arrange: nothing,
    },
    ...['firewall.list', 'node.ping', 'account.list'].map((action) => ({ action, arrange: nothing })),
    { action: 'firewall.explain', weight: 10, arrange: explain },
  ],
});
