import type { SeededRandom } from '@hauban/shared/testing';
import { createDisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick } from './pick.ts';
import { defineFamily, type Arranging } from './scenario.ts';

/** Bans that come from elsewhere: from fail2ban's jails, and from the access logs of sites. */

const CLIENT = '/usr/bin/fail2ban-client';
const JAILS = ['login', 'second'] as const;
const CONFIG = `[DEFAULT]
backend = polling
banaction = nftables-allports
banaction_allports = nftables-allports
bantime = 86400
usedns = no
${JAILS.map((jail) => `[${jail}]\nenabled = true\nfilter = login\nlogpath = /var/log/${jail}.log\n`).join('')}`;
const FILTER = '[Definition]\nfailregex = ^ failed login of .* from <HOST>$\n';
const LOGS = '/var/log/hosting/w4a100010';
const LOG = `${LOGS}/a.example.net.access.log`;
const FILES = ['xmlrpc.php', 'wp-login.php'] as const;

type Wants = Arranging<DisposableStand>;

async function stand(): Promise<DisposableStand> {
  const node = await createDisposableNode({ name: 'cat-protection' });
  await node.mustRun('/usr/bin/mkdir', ['-p', '/run/fail2ban', LOGS]);
  await node.writeFile('/etc/fail2ban/jail.d/defaults-debian.conf', '');
  await node.writeFile('/etc/fail2ban/jail.local', CONFIG);
  await node.writeFile('/etc/fail2ban/filter.d/login.conf', FILTER);
  for (const jail of JAILS) await node.writeFile(`/var/log/${jail}.log`, '');
  await node.writeFile(LOG, '');
  await node.mustRun(CLIENT, ['start']);
  await waitUntil('fail2ban', async () => (await node.run(CLIENT, ['ping'])).code === 0, { timeoutMs: 60_000 });
  // Its table comes with its first ban of each kind and stays.
  for (const jail of JAILS) await node.mustRun(CLIENT, ['set', jail, 'banip', '192.0.2.200', '2001:db8::200']);
  await node.mustRun(CLIENT, ['unban', '--all']);
  return standOn(node, {
    leftOut: [{ paths: /^\/(?:var\/lib|run)\/fail2ban(?:\/|$)/, why: "fail2ban's own database and socket" }],
  });
}

/** Distinct, none inside of another one. */
const strangers = (random: SeededRandom, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) =>
    pick(random, [`45.${at}.${random.below(250)}.${random.below(250)}`, `2a03:${(0x100 + at).toString(16)}:1::1`]),
  );

async function banElsewhere({ stand: { node }, random, atEnd }: Wants): Promise<object> {
  atEnd(() => node.mustRun(CLIENT, ['unban', '--all']));
  const banned = strangers(random, 1 + random.below(8));
  for (const address of banned) await node.mustRun(CLIENT, ['set', pick(random, JAILS), 'banip', address]);
  return {
    ...(random.below(2) === 0 ? { from: ['fail2ban'] } : {}),
    ...(random.below(2) === 0 ? { durationS: 3600 + random.below(80_000) } : {}),
  };
}

const lineOf = (address: string, file: string, now: Date): string => {
  const [, day = '', month = '', year = '', time = ''] =
    /^\w+, (\d+) (\w+) (\d+) (\S+) GMT$/.exec(now.toUTCString()) ?? [];
  return `${address} - - [${day}/${month}/${year}:${time} +0000] "POST /${file} HTTP/1.1" 200 674 "-" "-"\n`;
};

/** Some who ask often, and one who does not. */
async function attack({ stand: { node }, random, atEnd }: Wants): Promise<object> {
  const file = pick(random, FILES);
  const requests = 5 + random.below(30);
  const attackers = strangers(random, 1 + random.below(8));
  const now = new Date();
  const asked = attackers.flatMap((address) => Array.from({ length: requests }, () => lineOf(address, file, now)));
  atEnd(() => node.writeFile(LOG, ''));
  await node.writeFile(LOG, [...asked, lineOf('45.250.1.1', file, now)].join(''));
  return {
    ...{ file, requests, withinS: 86_400 },
    ...(random.below(2) === 0 ? { account: 'w4a100010' } : {}),
    ...(random.below(2) === 0 ? { durationS: 3600 + random.below(80_000) } : {}),
  };
}

export const PROTECTION = defineFamily<DisposableStand>({
  name: 'protection',
  stand,
  resources: {},
  tasks: {},
  scenarios: [
    { action: 'firewall.import', isDear: true, weight: 15, arrange: banElsewhere },
    { action: 'firewall.ban-attackers', isDear: true, weight: 30, arrange: attack },
  ],
});
