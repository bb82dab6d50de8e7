import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost } from '../../testing/index.ts';
import { ACTIONS, applyChanges, parseActionArguments, revertChanges, type Asker, type Planned } from '../index.ts';

const action = ACTIONS.get('firewall.ban-attackers')!;

function createNode(askers: readonly (readonly [target: string, requests: number])[], isCut = false): FakeHost {
  const host = createFakeHost();
  const found: readonly Asker[] = askers.map(([target, requests]) => ({ target, requests, sites: 1 }));
  host.world.answers['protection.askers'] = () => ({ askers: found, logs: 3, isCut });
  return host;
}

async function plan(host: FakeHost, args: object = {}): Promise<Extract<Planned, { ok: true }>> {
  const parsed = parseActionArguments(action, { file: 'xmlrpc.php', ...args });
  if (!parsed.ok) throw new Error(parsed.problem);
  const planned = await action.plan(host, parsed.args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned;
}

describe('firewall.ban-attackers', () => {
  it('bans who asked often enough, says how often, is nothing the second time, and is undone', async () => {
    const host = createNode([
      ['192.0.2.7', 900],
      ['2001:db8:1:2::/64', 40],
      ['192.0.2.8', 19],
    ]);
    const planned = await plan(host);
    expect(planned.notes.join('\n')).toContain('192.0.2.7: 900 requests to 1 site.');
    await applyChanges(host, planned.changes);
    expect([...host.world.bans.keys()].toSorted()).toEqual(['192.0.2.7', '2001:db8:1:2::/64']);
    expect(host.world.bans.get('192.0.2.7')).toMatchObject({ reason: 'xmlrpc' });
    expect((await action.verify(host, { file: 'xmlrpc.php' }, planned.changes)).map(({ ok }) => ok)).toEqual([true]);
    expect((await plan(host)).changes).toEqual([]);
    await revertChanges(host, planned.changes);
    expect(host.world.bans.size).toBe(0);
  });

  it.each([
    ['a load balancer of one’s own', '10.0.0.5', /private address/],
    ['a private IPv6 network', 'fd00:1:2:3::/64', /private address/],
    ['loopback, by a site that asks itself', '127.0.0.1', /loopback/],
    ['who is never banned', '198.51.100.9', /never banned here/],
  ])('attack: %s is not banned by a log', async (_who, target, says) => {
    const host = createNode([[target, 5000]]);
    host.world.neverBan.push({ target: '198.51.100.0/24', why: 'the office' });
    const planned = await plan(host);
    expect(planned.changes).toEqual([]);
    expect(planned.notes.join('\n')).toMatch(says);
  });

  it('leaves who is banned already, alone or by a prefix', async () => {
    const host = createNode([
      ['192.0.2.7', 50],
      ['203.0.113.9', 50],
    ]);
    for (const target of ['192.0.2.7', '203.0.113.0/24'])
      host.world.bans.set(target, { target, reason: 'abuse', since: 5, expiresAt: 4_000_000_000_000, packets: 0 });
    expect((await plan(host)).changes).toEqual([]);
  });

  it('bans a thousand at a time, and says how many are left and that logs were cut', async () => {
    const host = createNode(
      Array.from({ length: 1200 }, (_, n) => [`198.18.${n >> 8}.${n & 255}`, 30] as const),
      true,
    );
    const { changes, notes } = await plan(host);
    expect(changes.flatMap((change) => (change.kind === 'bans' ? change.entries : []))).toHaveLength(1000);
    expect(notes.join('\n')).toMatch(/And 990 more\.[\s\S]*200 more are left/);
    expect(notes.join('\n')).toContain('too long to be read whole');
  });

  it.each(['../xmlrpc.php', '/etc/passwd', 'a b', '-x', 'x\n', ''])('attack: the file %j is refused', (file) => {
    expect(parseActionArguments(action, { file }).ok).toBe(false);
  });
});
