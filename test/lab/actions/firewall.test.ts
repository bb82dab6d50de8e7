import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requestHttp } from '../http-request.ts';
import type { LabPeer } from '../lab-network.ts';
import { labRequirements } from '../requirements.ts';
import type { DriverAnswer } from './driver.ts';
import { STATE_FOLDER } from './driver-host.ts';
import { expectDone, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const BANS_FILE = `${STATE_FOLDER}/bans.json`;

describe.skipIf(!lab.ok)('firewall.ban, unban and list on a real node', () => {
  let hosting: HostingNode;
  let peer: LabPeer;
  let untouched = '';

  const reaches = async (family: 4 | 6 = 4): Promise<boolean> => {
    const { address, address6 } = hosting.node;
    const url = family === 4 ? `http://${address ?? ''}/` : `http://[${address6 ?? ''}]/`;
    return (await requestHttp(peer, { url, timeoutMs: 1000 })).kind === 'response';
  };
  const ban = (
    targets: readonly string[],
    more: object = { durationS: 3600 },
    host: object = {},
  ): Promise<DriverAnswer> => hosting.actions.apply('firewall.ban', { targets, ...more }, host);
  const unban = (...targets: readonly string[]): Promise<DriverAnswer> =>
    hosting.actions.apply('firewall.unban', { targets });
  const ruleset = async (): Promise<string> =>
    (await hosting.node.mustRun('/usr/sbin/nft', ['list', 'ruleset'])).stdout;
  const listed = async () => {
    const { data } = expectDone(await hosting.actions.plan('firewall.list', {}));
    return (data as { bans: { target: string; expiresAt: number | null; reason: string; packets: number | null }[] })
      .bans;
  };
  const address = (): string => peer.address ?? '';

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'bans', peer: true });
    const created = hosting.node.peer;
    if (created === null) throw new Error('a peer was asked for');
    peer = created;
    // Somebody else's rules: never read, never touched.
    await hosting.node.mustRun('/usr/sbin/nft', ['add', 'table', 'inet', 'theirs']);
    await hosting.node.mustRun('/usr/sbin/nft', [
      'add',
      'chain',
      'inet',
      'theirs',
      'in',
      '{ type filter hook input priority 0 ; }',
    ]);
    await hosting.node.mustRun('/usr/sbin/nft', [
      'add',
      'rule',
      'inet',
      'theirs',
      'in',
      'ct',
      'state',
      'established',
      'accept',
    ]);
    untouched = await snapshotNode(hosting.node);
  });
  afterAll(() => hosting.node.destroy());
  afterEach(async () => {
    const bans = await listed();
    // One request lifts at most a thousand.
    for (let at = 0; at < bans.length; at += 1000)
      expectDone(await unban(...bans.slice(at, at + 1000).map(({ target }) => target)));
    expect(await snapshotNode(hosting.node)).toBe(untouched);
  });

  it.each<[string, () => string, 4 | 6]>([
    ['an IPv4 address', address, 4],
    ['an IPv6 address', () => peer.address6 ?? '', 6],
  ])(
    'bans %s: packets are dropped; twice is once; undo lets them pass and leaves no table',
    async (_, target, family) => {
      const { actions } = hosting;
      await expect.poll(() => reaches(family)).toBe(true);
      const other = family === 4 ? 6 : 4;
      const done = expectDone(await ban([target()]));
      expect(await reaches(family)).toBe(false);
      await expect.poll(() => reaches(other)).toBe(true);
      const rules = await ruleset();
      expect(expectDone(await ban([target()])).changes).toEqual([]);
      const strip = (text: string): string => text.replaceAll(/expires \S+|packets \d+ bytes \d+/g, '');
      expect(strip(await ruleset())).toBe(strip(rules));
      expect(await reaches(family)).toBe(false);
      expect((await listed())[0]).toMatchObject({ target: target(), reason: 'manual' });
      expect((await listed())[0]?.packets ?? 0).toBeGreaterThan(0);
      expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
      await expect.poll(() => reaches(family)).toBe(true);
    },
  );

  it.each([
    ['198.51.100.0/24', '198.51.100.7', '198.51.101.7'],
    ['2001:db8:5::/48', '2001:db8:5::7', '2001:db8:6::7'],
  ])('bans the prefix %s: what comes from inside is dropped, its neighbour passes', async (target, inside, outside) => {
    const { node } = hosting;
    const via = (inside.includes(':') ? peer.address6 : peer.address) ?? '';
    for (const source of [inside, outside]) {
      await peer.mustRun('/usr/bin/ip', ['address', 'add', source, 'dev', 'lo']);
      await node.mustRun('/usr/bin/ip', ['route', 'add', source, 'via', via]);
    }
    const pings = async (source: string): Promise<boolean> => {
      const to = (source.includes(':') ? node.address6 : node.address) ?? '';
      return (await peer.run('/usr/bin/ping', ['-c', '1', '-W', '1', '-I', source, to])).code === 0;
    };
    await expect.poll(() => pings(inside)).toBe(true);
    const done = expectDone(await ban([target]));
    expect(await pings(inside)).toBe(false);
    await expect.poll(() => pings(outside)).toBe(true);
    expect(expectDone(await ban([target])).changes).toEqual([]);
    // One address of it is covered, and is not lifted by itself.
    expect(expectDone(await ban([inside])).notes[0]).toContain(`covered already by ${target}`);
    expect(await unban(inside)).toMatchObject({ ok: false, detail: expect.stringContaining(`lies in ${target}`) });
    expect(expectDone(await hosting.actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
    await expect.poll(() => pings(inside)).toBe(true);
  });

  it('lifts a ban, twice, and undo of that bans again for the rest of its time', async () => {
    const { actions } = hosting;
    expectDone(await ban([address()]));
    const [before] = await listed();
    const lifted = expectDone(await unban(address()));
    await expect.poll(() => reaches()).toBe(true);
    expect(expectDone(await unban(address())).changes).toEqual([]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: lifted.changes })).problems).toEqual([]);
    expect(await reaches()).toBe(false);
    const [after] = await listed();
    expect(after?.target).toBe(before?.target);
    expect(Math.abs((after?.expiresAt ?? 0) - (before?.expiresAt ?? 0))).toBeLessThanOrEqual(2000);
  });

  it('cuts a connection that is already established', async () => {
    const server = await hosting.node.spawn(process.execPath, [
      '--eval',
      "require('node:net').createServer(s => setInterval(() => s.write('.'), 20)).listen(4401, () => console.log('listening'))",
    ]);
    await server.waitForOutput('listening');
    const dial = `const s = require('node:net').connect(4401, '${hosting.node.address ?? ''}'); let n = 0; setInterval(() => s.write('x'), 20); s.on('data', () => { n += 1; if (n === 5) console.log('flowing'); }); setInterval(() => { console.log('n=' + n); n = 0; }, 400)`;
    const client = await peer.spawn(process.execPath, ['--eval', dial]);
    await client.waitForOutput('flowing');
    expectDone(await ban([address()]));
    // What the client sends is not acknowledged any more, so the server's side stalls too: a whole period without data.
    await client.waitForOutput('n=0');
    await client.stop('SIGKILL');
    await server.stop('SIGKILL');
  });

  it('an extended ban has the new end', async () => {
    expectDone(await ban([address()], { durationS: 60 }));
    expectDone(await ban([address()], { durationS: 7200 }));
    const [extended] = await listed();
    expect((extended?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(7_000_000);
    expect(await ruleset()).toMatch(/timeout 2h/);
  });

  it('a permanent ban has no time-out, and a thousand bans are one transaction', async () => {
    expectDone(await ban([address()], { permanent: true, reason: 'abuse' }));
    expect(await ruleset()).not.toContain('expires');
    const many = Array.from({ length: 1000 }, (_, index) => `198.18.${index >> 8}.${index & 255}`);
    const done = expectDone(await ban(many));
    process.stderr.write(`lab: 1000 bans took ${Math.round(done.tookMs)} ms\n`);
    expect((await listed()).length).toBe(1001);
    expect(await reaches()).toBe(false);
  });

  it.each<[string, () => void | Promise<void>]>([
    [
      'the whole ruleset was flushed',
      async () => void (await hosting.node.mustRun('/usr/sbin/nft', ['delete', 'table', 'inet', 'hauban'])),
    ],
    [
      'a rule was taken out',
      async () => void (await hosting.node.mustRun('/usr/sbin/nft', ['flush', 'chain', 'inet', 'hauban', 'input'])),
    ],
    [
      'an element was taken out',
      async () =>
        void (await hosting.node.mustRun('/usr/sbin/nft', [
          'delete',
          'element',
          'inet',
          'hauban',
          'ban4',
          `{ ${address()} }`,
        ])),
    ],
  ])('puts the bans back when %s, with the time that is left', async (_, spoil) => {
    expectDone(await ban([address()], { durationS: 600 }));
    const [before] = await listed();
    await spoil();
    await expect.poll(() => reaches()).toBe(true);
    await hosting.actions.call({ mode: 'reconcile' });
    expect(await reaches()).toBe(false);
    const [after] = await listed();
    expect(after).toMatchObject({ target: address(), reason: 'manual' });
    expect(Math.abs((after?.expiresAt ?? 0) - (before?.expiresAt ?? 0))).toBeLessThanOrEqual(2000);
    await hosting.actions.call({ mode: 'reconcile' });
  });

  it('undoes a change that died when it was stored and not yet in the kernel', async () => {
    const other = '198.51.100.0/24';
    expectDone(await ban([address(), other], { durationS: 600 }));
    const before = await listed();
    const { changes } = expectDone(
      await hosting.actions.plan('firewall.ban', { targets: [address(), other, '203.0.113.7'], durationS: 7200 }),
    );
    const stored = JSON.parse(await hosting.node.readFile(BANS_FILE)) as { bans: { expiresAt: number }[] };
    const [first] = stored.bans;
    if (first === undefined) throw new Error('there is a ban');
    const expiresAt = first.expiresAt + 6600_000;
    const bans = [...stored.bans, { ...first, target: '203.0.113.7' }].map((one) => ({ ...one, expiresAt }));
    await hosting.node.writeFile(BANS_FILE, JSON.stringify({ ...stored, bans }));
    await hosting.actions.call({ mode: 'reconcile' });
    const ends = (await listed()).map((one) => Math.abs((one.expiresAt ?? 0) - expiresAt));
    expect(ends).toHaveLength(3);
    expect(Math.max(...ends)).toBeLessThanOrEqual(2000);
    expect(expectDone(await hosting.actions.call({ mode: 'undo', changes })).problems).toEqual([]);
    const left = await listed();
    expect(left).toHaveLength(before.length);
    for (const { target, reason, expiresAt: end } of before) {
      const same = left.find((one) => one.target === target);
      expect(same?.reason).toBe(reason);
      expect(Math.abs((same?.expiresAt ?? 0) - (end ?? 0))).toBeLessThanOrEqual(2000);
    }
  });

  it('puts the bans and the never-list back at a boot without name server and policy', async () => {
    const neverBan = [{ target: address(), why: 'the office' }];
    expectDone(await ban(['198.51.100.1'], { durationS: 600 }, { neverBan }));
    const rules = await ruleset();
    const strip = (text: string): string => text.replaceAll(/(?:timeout|expires) \S+|packets \d+ bytes \d+/g, '');
    await hosting.node.mustRun('/usr/sbin/nft', ['delete', 'table', 'inet', 'hauban']);
    expect(await hosting.actions.call({ mode: 'reconcile', neverBan: null })).toMatchObject({ ok: true });
    expect(strip(await ruleset())).toBe(strip(rules));
    // A new ban is another matter: whom it could hit is not known.
    expect(await ban(['198.51.100.2'], { durationS: 60 }, { neverBan: null })).toMatchObject({
      ok: false,
      code: 'UNAVAILABLE',
    });
  });

  describe('never', () => {
    it.each<[string, () => string, RegExp]>([
      ["the node's own address", () => hosting.node.address ?? '', /own address/],
      ["the node's own IPv6 address", () => hosting.node.address6 ?? '', /own address/],
      ['a prefix that holds the node', () => address().replace(/\d+$/, '0/24'), /own address/],
      ['the controller', () => '192.0.2.77', /this node's controller/],
      ['a prefix that holds the controller', () => '192.0.2.0/24', /this node's controller/],
    ])('bans %s', async (_, target, wanted) => {
      const neverBan = [{ target: '192.0.2.77', why: "this node's controller" }];
      const answer = await ban([target()], { durationS: 60 }, { neverBan });
      expect(answer).toMatchObject({ ok: false, code: 'ACTION_REFUSED', detail: expect.stringMatching(wanted) });
    });

    it('bans who is connected by SSH', async () => {
      const server = await hosting.node.spawn(process.execPath, [
        '--eval',
        "require('node:net').createServer(() => {}).listen(22, () => console.log('listening'))",
      ]);
      await server.waitForOutput('listening');
      const client = await peer.spawn(process.execPath, [
        '--eval',
        `require('node:net').connect(22, '${hosting.node.address ?? ''}', () => console.log('connected'))`,
      ]);
      await client.waitForOutput('connected');
      const answer = await ban([address()]);
      expect(answer).toMatchObject({
        ok: false,
        code: 'ACTION_REFUSED',
        detail: expect.stringContaining('by SSH now'),
      });
      await client.stop('SIGKILL');
      await server.stop('SIGKILL');
    });

    it('drops a never-banned address, even when a ban of it slipped into the kernel', async () => {
      const neverBan = [{ target: address(), why: 'the office' }];
      expectDone(await ban(['198.51.100.1'], { durationS: 600 }, { neverBan }));
      await hosting.node.mustRun('/usr/sbin/nft', ['add', 'element', 'inet', 'hauban', 'ban4', `{ ${address()} }`]);
      await expect.poll(() => reaches()).toBe(true);
      await hosting.node.mustRun('/usr/sbin/nft', [
        'delete',
        'element',
        'inet',
        'hauban',
        'never4',
        `{ ${address()} }`,
      ]);
      // Control: without the accept rule the same ban works.
      expect(await reaches()).toBe(false);
    });
  });

  it.each([
    '0.0.0.0/0',
    '::/0',
    '127.0.0.1',
    '010.1.1.1',
    'localhost',
    '1.2.3.4 timeout 5s }; delete table inet theirs; #',
    '{ 1.2.3.4 }',
  ])('refuses the target %j', async (target) => {
    expect(await ban([target])).toMatchObject({ ok: false, code: 'ACTION_ARGUMENTS' });
    expect(await ruleset()).toContain('table inet theirs');
  });
});
