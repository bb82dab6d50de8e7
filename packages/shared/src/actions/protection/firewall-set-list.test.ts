import { describe, expect, it } from 'vitest';
import { createFakeHost } from '../../testing/index.ts';
import { parsePrefix, formatPrefix, type Prefix } from '../address.ts';
import { applyChanges, changeStates, revertChanges } from '../engine.ts';
import { ACTIONS } from '../index.ts';
import { parseActionArguments } from '../parse-arguments.ts';
import { MOST_PART_ENTRIES, partOf, partsFor } from './ban-list-parts.ts';
import { firewallSetList } from './firewall-set-list.ts';
import { createPrefixIndex } from './prefix-index.ts';

type Group = { readonly until?: number; readonly targets: readonly string[] };
const argsOf = (...groups: readonly Group[]) => ({ list: 'spam', part: 0, parts: 1, groups });
const NEVER = 'the office';

function setUp() {
  const host = createFakeHost();
  const plan = async (...groups: readonly Group[]) => {
    const parsed = parseActionArguments(firewallSetList, argsOf(...groups));
    if (!parsed.ok) throw new Error(parsed.problem);
    const planned = await firewallSetList.plan(host, parsed.args);
    if (!planned.ok) throw new Error(planned.detail);
    return planned;
  };
  const set = async (...groups: readonly Group[]) => {
    const planned = await plan(...groups);
    await applyChanges(host, planned.changes);
    return planned;
  };
  const banned = (): readonly string[] => [...host.world.bans.keys()].toSorted((a, b) => a.localeCompare(b));
  const ban = (target: string, expiresAt: number | null, reason = 'manual'): void =>
    void host.world.bans.set(target, { target, expiresAt, reason, since: null, packets: null });
  return { host, plan, set, banned, ban, now: host.clock.nowMs() };
}

const refused = (args: unknown): string => {
  const parsed = parseActionArguments(firewallSetList, args);
  return parsed.ok ? '' : parsed.problem;
};

describe('firewall.set-list', () => {
  it('bans what is listed, each until its end; the second time nothing is to be done', async () => {
    const { host, set, plan, banned, now } = setUp();
    await set({ targets: ['192.0.2.7', '198.51.100.0/24'] }, { until: now + 600_000, targets: ['203.0.113.9'] });
    expect(banned()).toEqual(['192.0.2.7', '198.51.100.0/24', '203.0.113.9']);
    expect(host.world.bans.get('203.0.113.9')?.expiresAt).toBe(now + 600_000);
    expect(
      (await plan({ targets: ['192.0.2.7', '198.51.100.0/24'] }, { until: now + 600_000, targets: ['203.0.113.9'] }))
        .changes,
    ).toEqual([]);
  });

  it('lifts what the list does not hold any more, and nothing of people and of other lists', async () => {
    const { set, banned, ban } = setUp();
    await set({ targets: ['192.0.2.7', '192.0.2.8'] });
    ban('192.0.2.50', null);
    ban('192.0.2.51', null, 'list:other');
    await set({ targets: ['192.0.2.8'] });
    expect(banned()).toEqual(['192.0.2.50', '192.0.2.51', '192.0.2.8']);
    await set();
    expect(banned()).toEqual(['192.0.2.50', '192.0.2.51']);
  });

  it('takes over a ban of a person that ends with it, and leaves one that lasts longer', async () => {
    const { host, set, banned, ban, now } = setUp();
    ban('192.0.2.7', now + 3_600_000);
    ban('192.0.2.8', null);
    await set({ until: now + 3_600_000, targets: ['192.0.2.7', '192.0.2.8'] });
    expect(host.world.bans.get('192.0.2.7')?.reason).toBe('list:spam');
    expect(host.world.bans.get('192.0.2.8')).toMatchObject({ reason: 'manual', expiresAt: null });
    await set();
    expect(banned()).toEqual(['192.0.2.8']);
  });

  it('is undone whole where it took a ban over, made one longer and added one', async () => {
    const { host, set, ban, now } = setUp();
    ban('192.0.2.7', now + 3_600_000);
    ban('192.0.2.8', null);
    ban('192.0.2.9', now + 600_000);
    const before = host.snapshot();
    const planned = await set(
      { until: now + 3_600_000, targets: ['192.0.2.7', '192.0.2.9', '192.0.2.10'] },
      { targets: ['192.0.2.8'] },
    );
    expect(await changeStates(host, planned.changes)).toEqual(['after']);
    expect(await revertChanges(host, planned.changes)).toEqual([]);
    expect(host.snapshot()).toEqual(before);
    expect(await changeStates(host, planned.changes)).toEqual(['before']);
  });

  it('takes over a ban of the same end though nothing else is to be done', async () => {
    const { host, set, ban, now } = setUp();
    ban('192.0.2.7', now + 3_600_000);
    await set({ until: now + 3_600_000, targets: ['192.0.2.7'] });
    expect(host.world.bans.get('192.0.2.7')?.reason).toBe('list:spam');
  });

  it('leaves out what the node never bans, in a sentence, and bans the rest', async () => {
    const { host, set, banned } = setUp();
    host.world.neverBan.push({ target: '203.0.113.0/24', why: NEVER });
    const planned = await set({ targets: ['203.0.113.9', '192.0.2.7'] });
    expect(banned()).toEqual(['192.0.2.7']);
    expect(planned.unmet).toBe(`203.0.113.9 is not banned: it is never banned here: 203.0.113.0/24 is ${NEVER}`);
  });

  it('never bans a prefix around an address that the node needs', async () => {
    const { host, set, banned } = setUp();
    host.world.neverBan.push({ target: '203.0.113.9', why: NEVER });
    await set({ targets: ['203.0.113.0/24'] });
    expect(banned()).toEqual([]);
  });

  it('passes over what has run out, and lets it run out', async () => {
    const { plan, now } = setUp();
    expect((await plan({ until: now - 1, targets: ['192.0.2.7'] })).changes).toEqual([]);
  });

  it('replaces smaller prefixes of its own by the one around them, and is content with one that is there', async () => {
    const { set, banned, plan, ban } = setUp();
    await set({ targets: ['198.51.100.0/25'] });
    await set({ targets: ['198.51.100.0/24'] });
    expect(banned()).toEqual(['198.51.100.0/24']);
    ban('203.0.112.0/23', null);
    expect((await plan({ targets: ['198.51.100.0/24', '203.0.113.0/24'] })).changes).toEqual([]);
  });

  it('says so when a person bans a part of an entry for longer', async () => {
    const { plan, ban, now } = setUp();
    ban('198.51.100.0/25', null);
    const planned = await plan({ until: now + 600_000, targets: ['198.51.100.0/24'] });
    expect(planned.changes).toEqual([]);
    expect(planned.unmet).toContain('it holds 198.51.100.0/25, which is banned for longer');
  });

  it('refuses what is no address, too wide, twice or in the wrong part', () => {
    expect(refused(argsOf({ targets: ['010.1.1.1'] }))).toContain('no address');
    expect(refused(argsOf({ targets: ['10.0.0.0/8'] }))).toContain('too wide');
    expect(refused(argsOf({ targets: ['192.0.2.7', '::ffff:192.0.2.7'] }))).toContain('twice');
    expect(refused({ ...argsOf(), part: 1 })).toContain('no part 1 of 1');
    const wrong = (partOf('192.0.2.7', 4) + 1) % 4;
    expect(refused({ list: 'spam', part: wrong, parts: 4, groups: [{ targets: ['192.0.2.7'] }] })).toContain(
      'belongs into part',
    );
    expect(refused({ ...argsOf(), list: 'x"; drop' })).not.toBe('');
  });

  it('is compared as blocked with its sentence when only what is never banned is left', async () => {
    const { host } = setUp();
    host.world.neverBan.push({ target: '203.0.113.0/24', why: NEVER });
    const items = [{ action: 'firewall.set-list', args: argsOf({ targets: ['203.0.113.9'] }) }];
    const planned = await ACTIONS.get('state.compare')?.plan(host, { items });
    expect(planned).toMatchObject({ data: { deviations: [{ is: 'blocked', says: expect.stringContaining(NEVER) }] } });
  });
});

describe('a large list', () => {
  const targets = Array.from({ length: 20_000 }, (_, n) => `${20 + (n % 40)}.${(n >> 6) & 255}.${n % 251}.0/24`);
  const unique = [...new Set(targets)];

  it('is spread over parts that all fit an order', () => {
    const parts = partsFor(unique.length);
    const sizes = Array.from({ length: parts }, () => 0);
    for (const target of unique) sizes[partOf(target, parts)] = (sizes[partOf(target, parts)] ?? 0) + 1;
    expect(parts).toBe(16);
    expect(Math.max(...sizes)).toBeLessThan(MOST_PART_ENTRIES / 2);
    expect(Math.min(...sizes)).toBeGreaterThan(500);
  });

  it('of many prefixes is found by one that lies in it or around it as by looking at each', () => {
    const prefixes = unique.slice(0, 500).flatMap((text) => parsePrefix(text) ?? []);
    const index = createPrefixIndex(prefixes);
    const wide = parsePrefix('20.0.0.0/8') as Prefix;
    expect(index.inside(wide).map(formatPrefix).toSorted()).toEqual(
      prefixes
        .map(formatPrefix)
        .filter((text) => text.startsWith('20.'))
        .toSorted(),
    );
    expect(index.around(parsePrefix('20.0.0.9') as Prefix)).not.toBeNull();
    expect(index.around(parsePrefix('8.8.8.8') as Prefix)).toBeNull();
  });
});
