import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost } from '../../testing/index.ts';
import { ACTIONS, parseActionArguments, type BanSource, type ForeignBan, type Planned } from '../index.ts';

const ADDRESS = '192.0.2.7';
const theirs = (target: string, more: Partial<ForeignBan> = {}): ForeignBan => ({
  target,
  where: 'sshd',
  reason: 'too many failures',
  since: 1000,
  until: null,
  ...more,
});

async function explain(host: FakeHost, address: string = ADDRESS): Promise<Extract<Planned, { ok: true }>> {
  const action = ACTIONS.get('firewall.explain')!;
  const parsed = parseActionArguments(action, { address });
  if (!parsed.ok) throw new Error(parsed.problem);
  const planned = await action.plan(host, parsed.args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned;
}

const own = (host: FakeHost, target: string): void =>
  void host.world.bans.set(target, { target, reason: 'abuse', since: 5, expiresAt: 4_000_000_000_000, packets: 3 });

describe('firewall.explain', () => {
  it('says in which set, since, until, why and how many packets, and changes nothing', async () => {
    const host = createFakeHost();
    for (const target of [ADDRESS, '192.0.2.0/24', '192.0.2.8', '2001:db8::/32']) own(host, target);
    const { data, notes, changes } = await explain(host);
    expect(changes).toEqual([]);
    expect(data).toEqual({
      address: ADDRESS,
      bans: [
        {
          source: 'hauban',
          target: ADDRESS,
          where: 'ban4',
          reason: 'abuse',
          since: 5,
          until: 4_000_000_000_000,
          packets: 3,
        },
        {
          source: 'hauban',
          target: '192.0.2.0/24',
          where: 'net4',
          reason: 'abuse',
          since: 5,
          until: 4_000_000_000_000,
          packets: 3,
        },
      ],
      never: null,
      sources: [
        { source: 'fail2ban', state: 'absent', detail: '' },
        { source: 'crowdsec', state: 'absent', detail: '' },
      ],
      connections: 0,
    });
    expect(notes).toEqual([
      '192.0.2.7 is banned by hauban (ban4), until 2096-10-02T07:06:40Z: abuse',
      '192.0.2.7 is banned by hauban (net4) as part of 192.0.2.0/24, until 2096-10-02T07:06:40Z: abuse',
    ]);
  });

  it('says how many connections the address has open now', async () => {
    const host = createFakeHost();
    const asked: unknown[] = [];
    host.world.answers['protection.connections'] = (args) => (asked.push(args), 2);
    const { data, notes } = await explain(host);
    expect(data).toMatchObject({ connections: 2 });
    expect(notes).toContain('It has 2 TCP connections open here.');
    expect(asked).toEqual([{ address: ADDRESS }]);
  });

  it('says that it is not banned, and that it never is', async () => {
    const host = createFakeHost();
    host.world.neverBan.push({ target: '192.0.2.0/24', why: 'the office' });
    const { data, notes } = await explain(host);
    expect(data).toMatchObject({ bans: [], never: { target: '192.0.2.0/24', why: 'the office' } });
    expect(notes).toEqual([
      '192.0.2.7 is not banned here.',
      '192.0.2.7 is never banned by this node: 192.0.2.0/24 is the office.',
    ]);
  });

  it('names the bans of others that hold it, and who gave no answer', async () => {
    const host = createFakeHost();
    const asked: [BanSource, string | undefined][] = [];
    host.world.answers['protection.foreign-bans'] = ({ source, address }) => {
      asked.push([source, address]);
      return source === 'crowdsec'
        ? { state: 'silent', detail: 'connection refused' }
        : // Whatever it answers beside, only what holds the address is told.
          { state: 'asked', bans: [theirs(ADDRESS), theirs('192.0.2.0/28'), theirs('198.51.100.1')] };
    };
    const { data, notes } = await explain(host);
    expect(asked).toEqual([
      ['fail2ban', ADDRESS],
      ['crowdsec', ADDRESS],
    ]);
    expect((data as { bans: { target: string }[] }).bans.map(({ target }) => target)).toEqual([
      ADDRESS,
      '192.0.2.0/28',
    ]);
    expect(notes.at(-1)).toBe('crowdsec could not be asked: connection refused');
  });

  it.each([
    ['::ffff:192.0.2.7', ADDRESS],
    ['::FFFF:C000:0207', ADDRESS],
    ['2001:DB8:0:0::0007', '2001:db8::7'],
    ['192.0.2.7/32', ADDRESS],
  ])('takes %s for the one address that it is', async (written, canonical) => {
    const host = createFakeHost();
    own(host, canonical);
    const { data } = await explain(host, written);
    expect(data).toMatchObject({ address: canonical, bans: [{ target: canonical }] });
  });

  it.each([
    '010.1.1.1',
    '0x0a.1.1.1',
    '167837953',
    '10.1',
    '192.0.2.0/24',
    'fe80::1%eth0',
    '2001:db8::1%1',
    'localhost',
    '--all',
    '-h',
    '192.0.2.7;',
    '192.0.2.7 192.0.2.8',
    '192.0.2.7\n',
    '１９２.0.2.7',
    '',
    'a'.repeat(1_048_576),
  ])('refuses an address that another program could read in another way: %j', (address) => {
    const parsed = parseActionArguments(ACTIONS.get('firewall.explain')!, { address: address });
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.problem.length).toBeLessThan(400);
  });
});
