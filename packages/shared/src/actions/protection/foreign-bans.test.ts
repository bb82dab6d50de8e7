import { describe, expect, it } from 'vitest';
import { createFakeHost, FakeCrash, type FakeHost } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  changeState,
  parseActionArguments,
  revertChanges,
  type BanSource,
  type Change,
  type ForeignBan,
  type Planned,
  type Verified,
} from '../index.ts';

const ADDRESS = '192.0.2.7';

/** A node on which others ban too: their bans are the resources of the world. */
function createNode(there: readonly BanSource[] = ['fail2ban', 'crowdsec']): FakeHost {
  const host = createFakeHost();
  host.world.answers['protection.foreign-bans'] = ({ source }) => {
    if (!there.includes(source)) return { state: 'absent' };
    const prefix = `${source}.ban `;
    const keys = [...host.world.resources.keys()].filter((key) => key.startsWith(prefix));
    return { state: 'asked', bans: keys.map((key) => banOf(key.slice(prefix.length), source)) };
  };
  return host;
}

function banOf(id: string, source: BanSource): ForeignBan {
  const at = source === 'fail2ban' ? id.indexOf('/') : -1;
  return {
    target: id.slice(at + 1),
    where: at === -1 ? 'cscli ban' : id.slice(0, at),
    reason: 'x',
    since: 1,
    until: id.includes('ever') ? null : 4_000_000_000_000,
  };
}

const foreign = (host: FakeHost, resource: 'fail2ban.ban' | 'crowdsec.ban', ...ids: readonly string[]): void =>
  ids.forEach((id) => host.world.resources.set(resourceKey(resource, id), { banned: true }));
const own = (host: FakeHost, target: string): void =>
  void host.world.bans.set(target, { target, reason: 'abuse', since: 5, expiresAt: 4_000_000_000_000, packets: 0 });

async function plan(host: FakeHost, name: string, args: object): Promise<Planned> {
  const parsed = parseActionArguments(ACTIONS.get(name)!, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return ACTIONS.get(name)!.plan(host, parsed.args);
}
async function done(
  host: FakeHost,
  name: string,
  args: object,
): Promise<{ changes: readonly Change[]; notes: readonly string[] }> {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  await applyChanges(host, planned.changes);
  return planned;
}
const verify = (host: FakeHost, name: string, args: object): Promise<readonly Verified[]> =>
  ACTIONS.get(name)!.verify(host, args, []);
const refusal = (planned: Planned): string => (planned.ok ? 'planned' : `${planned.code} ${planned.detail}`);

describe('firewall.unban', () => {
  it('lifts what others ban too, twice is once, and undo bans again everywhere', async () => {
    const host = createNode();
    own(host, ADDRESS);
    foreign(host, 'fail2ban.ban', `sshd/${ADDRESS}`, `web/${ADDRESS}`, 'web/198.51.100.1');
    foreign(host, 'crowdsec.ban', ADDRESS);
    const before = host.snapshot();
    const { changes, notes } = await done(host, 'firewall.unban', { targets: [ADDRESS] });
    expect(notes.filter((note) => note.startsWith('fail2ban counts failures from zero again'))).toHaveLength(1);
    expect(host.world.bans.size).toBe(0);
    expect([...host.world.resources.keys()]).toEqual(['fail2ban.ban web/198.51.100.1']);
    expect(await verify(host, 'firewall.unban', { targets: [ADDRESS] })).toMatchObject([
      { ok: true },
      { name: 'Not in fail2ban', ok: true },
      { name: 'Not in crowdsec', ok: true },
    ]);
    expect((await done(host, 'firewall.unban', { targets: [ADDRESS] })).changes).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(JSON.parse(host.snapshot())).toMatchObject({
      resources: expect.arrayContaining(JSON.parse(before).resources),
    });
    expect(host.world.bans.has(ADDRESS)).toBe(true);
  });

  it('lifts only what was asked for: alsoIn', async () => {
    const host = createNode();
    own(host, ADDRESS);
    foreign(host, 'fail2ban.ban', `sshd/${ADDRESS}`);
    foreign(host, 'crowdsec.ban', ADDRESS);
    await done(host, 'firewall.unban', { targets: [ADDRESS], alsoIn: [] });
    expect(host.world.resources.size).toBe(2);
    const { notes } = await done(host, 'firewall.unban', { targets: [ADDRESS], alsoIn: ['crowdsec'] });
    expect(notes.join(' ')).not.toContain('fail2ban');
    expect([...host.world.resources.keys()]).toEqual([`fail2ban.ban sshd/${ADDRESS}`]);
  });

  it('is refused when one that was named is not there or silent, and tells of a silent one that was not', async () => {
    const host = createNode(['fail2ban']);
    expect(refusal(await plan(host, 'firewall.unban', { targets: [ADDRESS], alsoIn: ['crowdsec'] }))).toBe(
      'ACTION_REFUSED crowdsec is not installed here',
    );
    host.world.answers['protection.foreign-bans'] = () => ({ state: 'silent', detail: 'no socket' });
    expect(refusal(await plan(host, 'firewall.unban', { targets: [ADDRESS], alsoIn: ['fail2ban'] }))).toBe(
      'ACTION_REFUSED fail2ban could not be asked: no socket',
    );
    expect(await plan(host, 'firewall.unban', { targets: [ADDRESS] })).toMatchObject({
      ok: true,
      notes: [
        `${ADDRESS} is not banned.`,
        'fail2ban could not be asked: no socket. What it bans stays banned.',
        'crowdsec could not be asked: no socket. What it bans stays banned.',
      ],
    });
  });

  it('leaves the range of others around an address, and names it', async () => {
    const host = createNode();
    foreign(host, 'crowdsec.ban', '192.0.2.0/24', ADDRESS);
    const { notes } = await done(host, 'firewall.unban', { targets: [ADDRESS] });
    expect([...host.world.resources.keys()]).toEqual(['crowdsec.ban 192.0.2.0/24']);
    expect(notes).toContain(`${ADDRESS} lies in 192.0.2.0/24, which crowdsec (cscli ban) bans: lift that one too.`);
  });

  it('does not believe that a ban is gone', async () => {
    const host = createNode();
    foreign(host, 'fail2ban.ban', `sshd/${ADDRESS}`);
    expect(await verify(host, 'firewall.unban', { targets: [ADDRESS] })).toMatchObject([
      { ok: true },
      { name: 'Not in fail2ban', ok: false, saw: ADDRESS },
      { ok: true },
    ]);
  });

  it.each([1, 2, 3])('killed at effect %i, it goes on from there', async (nth) => {
    for (const when of ['before', 'after'] as const) {
      const host = createNode();
      own(host, ADDRESS);
      foreign(host, 'fail2ban.ban', `sshd/${ADDRESS}`);
      foreign(host, 'crowdsec.ban', ADDRESS);
      const planned = await plan(host, 'firewall.unban', { targets: [ADDRESS] });
      if (!planned.ok) throw new Error(planned.detail);
      host.crashAt(nth, when);
      await expect(applyChanges(host, planned.changes)).rejects.toBeInstanceOf(FakeCrash);
      const states = await Promise.all(planned.changes.map((change) => changeState(host, change)));
      expect(states).not.toContain('other');
      await done(host, 'firewall.unban', { targets: [ADDRESS] });
      expect([host.world.bans.size, host.world.resources.size]).toEqual([0, 0]);
    }
  });
});

describe('firewall.import', () => {
  it('takes their bans over, twice is once, and undo lifts them', async () => {
    const host = createNode();
    foreign(host, 'fail2ban.ban', 'sshd/192.0.2.7', 'web/192.0.2.7', 'sshd/198.51.100.0/24', 'for-ever/192.0.2.9');
    foreign(host, 'crowdsec.ban', '2001:db8::7');
    const before = host.snapshot();
    const { changes } = await done(host, 'firewall.import', { durationS: 600 });
    const nowMs = host.clock.nowMs();
    expect([...host.world.bans.values()].map(({ target, expiresAt, reason }) => [target, expiresAt, reason])).toEqual([
      ['192.0.2.7', nowMs + 600_000, 'imported'],
      ['198.51.100.0/24', nowMs + 600_000, 'imported'],
      ['2001:db8::7', nowMs + 600_000, 'imported'],
      ['192.0.2.9', null, 'imported'],
    ]);
    expect((await done(host, 'firewall.import', { durationS: 600 })).changes).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('takes over no ban of who is never banned: a line in a log is enough to have him banned elsewhere', async () => {
    const host = createNode();
    host.world.neverBan.push({ target: '203.0.113.0/24', why: 'the office' });
    foreign(host, 'fail2ban.ban', 'web/203.0.113.5', 'web/203.0.112.0/23', 'web/192.0.2.7');
    const { notes } = await done(host, 'firewall.import', {});
    expect([...host.world.bans.keys()]).toEqual(['192.0.2.7']);
    expect(notes).toContain('Not taken over, because they are never banned here: 203.0.113.5, 203.0.112.0/23.');
  });

  it('takes over nothing that is too wide, special, or overlaps', async () => {
    const host = createNode(['crowdsec']);
    own(host, '198.51.100.0/24');
    foreign(
      host,
      'crowdsec.ban',
      '0.0.0.0/0',
      '10.0.0.0/8',
      '127.0.0.1',
      '198.51.100.128/25',
      '::/0',
      '192.0.2.0/24',
      '192.0.2.0/25',
    );
    const { notes } = await done(host, 'firewall.import', {});
    expect([...host.world.bans.keys()]).toEqual(['198.51.100.0/24', '192.0.2.0/24']);
    expect(notes.join(' ')).toMatch(/too wide or special: 0\.0\.0\.0\/0, 10\.0\.0\.0\/8, 127\.0\.0\.1, ::\/0/);
    expect(notes.join(' ')).toMatch(/overlap another banned prefix: 198\.51\.100\.128\/25, 192\.0\.2\.0\/25/);
  });

  it('takes a thousand at a time, and says how many are left', async () => {
    const host = createNode();
    const many = Array.from({ length: 1100 }, (_, index) => `web/198.18.${index >> 8}.${index & 255}`);
    foreign(host, 'fail2ban.ban', ...many);
    const { notes } = await done(host, 'firewall.import', {});
    expect([host.world.bans.size, notes.at(-1)]).toEqual([1000, '100 more are left for the next time.']);
    await done(host, 'firewall.import', {});
    expect(host.world.bans.size).toBe(1100);
  });

  it('is refused when there is nobody to ask, or one gives no answer', async () => {
    const host = createNode([]);
    expect(refusal(await plan(host, 'firewall.import', {}))).toMatch(/fail2ban and crowdsec are not installed here$/);
    expect(refusal(await plan(host, 'firewall.import', { from: ['crowdsec'] }))).toMatch(/crowdsec is not installed/);
    host.world.answers['protection.foreign-bans'] = () => ({ state: 'silent', detail: 'no socket' });
    expect(refusal(await plan(host, 'firewall.import', {}))).toMatch(/fail2ban could not be asked: no socket/);
  });
});
