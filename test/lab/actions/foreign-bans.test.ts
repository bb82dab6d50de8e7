import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { requestHttp } from '../http-request.ts';
import type { LabPeer } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import type { DriverAnswer } from './driver.ts';
import { expectDone } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const CLIENT = '/usr/bin/fail2ban-client';
const LOG = '/var/log/login.log';
/** Debian's own action on nftables, so that packets are really dropped by somebody else's table. */
const JAILS = `[DEFAULT]
backend = polling
banaction = nftables-allports
banaction_allports = nftables-allports
bantime = 600
findtime = 600
maxretry = 3
usedns = no
ignoreself = false
[login]
enabled = true
filter = login
logpath = ${LOG}
[second]
enabled = true
filter = login
logpath = /var/log/second.log
bantime = -1
`;
const FILTER = `[Definition]
failregex = ^ failed login of .* from <HOST>$
`;

interface Answer {
  readonly address: string;
  readonly bans: readonly {
    source: string;
    target: string;
    where: string;
    since: number | null;
    until: number | null;
  }[];
  readonly sources: readonly { source: string; state: string; detail: string }[];
}

describe.skipIf(!lab.ok)('fail2ban on a real node', () => {
  let node: DisposableNode;
  let actions: ActionNode;
  let peer: LabPeer;
  let untouched = '';

  const client = async (...args: readonly string[]): Promise<string> => (await node.mustRun(CLIENT, args)).stdout;
  const reaches = async (): Promise<boolean> =>
    (await requestHttp(peer, { url: `http://${node.address ?? ''}:4401/`, timeoutMs: 1000 })).kind === 'response';
  const address = (): string => peer.address ?? '';
  const explain = async (about: string): Promise<Answer> =>
    expectDone(await actions.apply('firewall.explain', { address: about })).data as Answer;
  const unban = (targets: readonly string[], more: object = {}): Promise<DriverAnswer> =>
    actions.apply('firewall.unban', { targets, ...more });
  /** Writes lines as a program would that notes who failed to sign in. */
  const failLogins = async (names: readonly string[], from: string): Promise<void> => {
    const lines = names.map((name) => `${new Date().toISOString()} failed login of ${name} from ${from}\n`);
    await node.mustRun('/usr/bin/tee', ['--append', LOG], { input: lines.join('') });
  };
  const banned = async (target: string): Promise<boolean> => (await client('banned')).includes(`'${target}'`);

  beforeAll(async () => {
    node = await createDisposableNode({ name: 'fail2ban', peer: true });
    if (node.peer === null) throw new Error('a peer was asked for');
    peer = node.peer;
    actions = await putDriverInto(node);
    await node.writeFile('/etc/fail2ban/jail.d/defaults-debian.conf', '');
    await node.writeFile('/etc/fail2ban/jail.local', JAILS);
    await node.writeFile('/etc/fail2ban/filter.d/login.conf', FILTER);
    await node.writeFile(LOG, '');
    await node.writeFile('/var/log/second.log', '');
    await node.mustRun('/usr/bin/mkdir', ['--parents', '/run/fail2ban']);
    await client('start');
    await waitUntil('fail2ban', async () => (await node.run(CLIENT, ['ping'])).code === 0);
    const serve =
      "require('node:http').createServer((_, r) => r.end('x')).listen(4401, () => console.log('listening'))";
    await (await node.spawn(process.execPath, ['--eval', serve])).waitForOutput('listening');
    // Its table comes with its first ban and stays.
    await client('set', 'login', 'banip', '192.0.2.200');
    await client('set', 'second', 'banip', '192.0.2.200');
    await client('unban', '--all');
    untouched = await snapshotNode(node);
  });
  afterAll(() => node.destroy());
  afterEach(async () => {
    await client('unban', '--all');
    const { bans } = expectDone(await actions.apply('firewall.list', {})).data as { bans: { target: string }[] };
    if (bans.length > 0)
      expectDone(
        await unban(
          bans.map(({ target }) => target),
          { alsoIn: [] },
        ),
      );
  });

  it('who mistyped a password is found in its jail and lifted: packets pass, twice is once, undo bans again', async () => {
    await expect.poll(() => reaches()).toBe(true);
    await failLogins(['anna', 'anna', 'anna'], address());
    await waitUntil('the ban', () => banned(address()), { timeoutMs: 20_000 });
    await waitUntil('the drop', async () => !(await reaches()));
    const answer = await explain(`::ffff:${address()}`);
    expect(answer.address).toBe(address());
    expect(answer.sources).toEqual([
      { source: 'fail2ban', state: 'asked', detail: '' },
      { source: 'crowdsec', state: 'absent', detail: '' },
    ]);
    expect(answer.bans).toMatchObject([{ source: 'fail2ban', where: 'login', target: address() }]);
    const [ban] = answer.bans;
    expect((ban?.until ?? 0) - (ban?.since ?? 0)).toBe(600_000);
    expect(Math.abs(Date.now() - (ban?.since ?? 0))).toBeLessThan(60_000);

    // Ours alone does not help, and says so.
    expectDone(await unban([address()], { alsoIn: [] }));
    expect(await reaches()).toBe(false);

    const lifted = expectDone(await unban([address()]));
    expect(lifted.titles).toEqual([`Remove fail2ban’s ban login/${address()}`]);
    await expect.poll(() => reaches()).toBe(true);
    expect((await explain(address())).bans).toEqual([]);
    expect(expectDone(await unban([address()])).changes).toEqual([]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: lifted.changes })).problems).toEqual([]);
    expect(await reaches()).toBe(false);
    process.stderr.write(`lab: lifted in our table and in fail2ban in ${Math.round(lifted.tookMs)} ms\n`);
  });

  it('who is lifted has all tries again: fail2ban counts from zero', async () => {
    const seen = async (): Promise<number> =>
      Number(/Total failed:\s*(\d+)/.exec(await client('status', 'login'))?.[1] ?? 0);
    await client('set', 'login', 'banip', address());
    await unban([address()]);
    const before = await seen();
    await failLogins(['anna', 'anna', 'anna'], address());
    await waitUntil('the ban', () => banned(address()), { timeoutMs: 20_000 });
    const lifted = expectDone(await unban([address()]));
    expect(lifted.notes).toContain(
      'fail2ban counts failures from zero again: it bans anew after as many as its jail allows, not at the next one.',
    );
    await failLogins(['anna', 'anna'], address());
    await waitUntil('fail2ban to have read both', async () => (await seen()) >= before + 5, { timeoutMs: 20_000 });
    expect(await banned(address())).toBe(false);
    await expect.poll(() => reaches()).toBe(true);
    await failLogins(['anna'], address());
    await waitUntil('the third', () => banned(address()), { timeoutMs: 20_000 });
    await unban([address()]);
  });

  it('two jails and our own table ban it: one action lifts all three', async () => {
    await client('set', 'login', 'banip', address());
    await client('set', 'second', 'banip', address());
    expectDone(await actions.apply('firewall.ban', { targets: [address()], durationS: 600 }));
    await waitUntil('the drop', async () => !(await reaches()));
    const { bans } = await explain(address());
    expect(bans.map(({ source, where }) => `${source} ${where}`)).toEqual([
      'hauban ban4',
      'fail2ban login',
      'fail2ban second',
    ]);
    expect(bans.at(-1)?.until).toBeNull();
    expectDone(await unban([address()]));
    await expect.poll(() => reaches()).toBe(true);
    expect(await snapshotNode(node)).toBe(untouched);
  });

  it('its bans are taken over, and ours hold when it stops', async () => {
    await client('set', 'login', 'banip', address());
    const taken = expectDone(await actions.apply('firewall.import', { from: ['fail2ban'], durationS: 600 }));
    await client('unban', '--all');
    expect(await reaches()).toBe(false);
    expect(expectDone(await actions.call({ mode: 'undo', changes: taken.changes })).problems).toEqual([]);
    await expect.poll(() => reaches()).toBe(true);
  });

  it('a line of a log that has the office banned: fail2ban does it, and we take nothing over', async () => {
    // The name that somebody typed ends up in the line; a filter that trusts it believes the second address.
    const office = '203.0.113.50';
    await failLogins(
      ['x', 'y', 'z'].map((name) => `${name} from 198.51.100.1`),
      office,
    );
    await waitUntil('the control: the stock set-up bans the office', () => banned(office), { timeoutMs: 20_000 });
    const neverBan = [{ target: '203.0.113.0/24', why: 'the office' }];
    const done = expectDone(await actions.apply('firewall.import', {}, { neverBan }));
    expect(done.changes).toEqual([]);
    expect(done.notes).toEqual([`Not taken over, because they are never banned here: ${office}.`]);
  });

  it('a banned text that looks like a line of its list is no ban of a neighbour', async () => {
    const neighbour = '203.0.113.77';
    const spoofed = `x\n${neighbour} \t2026-11-22 14:36:14 + -1 = 9999-12-31 23:59:59`;
    await node.run(CLIENT, ['set', 'second', 'banip', spoofed]);
    await client('set', 'second', 'banip', '192.0.2.7');
    // The control: whoever reads that list line by line sees the neighbour in it.
    const lines = (await client('get', 'second', 'banip', '--with-time')).split('\n');
    expect(lines.some((line) => line.startsWith(`${neighbour} `))).toBe(true);
    expect((await explain(neighbour)).bans).toEqual([]);
    const done = expectDone(await actions.plan('firewall.import', {}));
    expect(JSON.stringify(done.changes)).not.toContain(neighbour);
    expect(JSON.stringify(done.changes)).toContain('192.0.2.7');
  });

  it('an address written in another way is refused before nft reads it as somebody else', async () => {
    const nft = '/usr/sbin/nft';
    await node.mustRun(nft, ['add', 'table', 'inet', 'control']);
    await node.mustRun(nft, ['add', 'set', 'inet', 'control', 's', '{ type ipv4_addr ; }']);
    // The control: the stock program takes it, for another address.
    await node.mustRun(nft, ['add', 'element', 'inet', 'control', 's', '{ 010.1.1.1 }']);
    expect((await node.mustRun(nft, ['list', 'set', 'inet', 'control', 's'])).stdout).toContain('8.1.1.1');
    await node.mustRun(nft, ['delete', 'table', 'inet', 'control']);
    for (const written of ['010.1.1.1', 'fe80::1%eth0', '10.1', '--all', '192.0.2.0/24'])
      expect(await actions.apply('firewall.explain', { address: written })).toMatchObject({
        ok: false,
        code: 'ACTION_ARGUMENTS',
      });
  });

  it('that does not run is said to be silent, keeps no ban of ours from being lifted, and is no reason to say all is well', async () => {
    expectDone(await actions.apply('firewall.ban', { targets: [address()], durationS: 600 }));
    await client('stop');
    const { sources } = await explain(address());
    expect(sources[0]).toMatchObject({ source: 'fail2ban', state: 'silent' });
    expect(await unban([address()], { alsoIn: ['fail2ban'] })).toMatchObject({ ok: false, code: 'ACTION_REFUSED' });
    const done = expectDone(await unban([address()]));
    expect(done.notes.join(' ')).toContain('What it bans stays banned.');
    await expect.poll(() => reaches()).toBe(true);
    await client('start');
    await waitUntil('fail2ban', async () => (await node.run(CLIENT, ['ping'])).code === 0);
  });
});
