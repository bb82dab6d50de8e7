import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeHost, FakeCrash, type FakeHost } from '../testing/index.ts';
import {
  ACTIONS,
  applyChange,
  applyChanges,
  changeState,
  describeChange,
  parseActionArguments,
  revertChange,
  revertChanges,
  type Change,
} from './index.ts';

const account = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 };
const other = { name: 'w4a100011', domain: 'b.example.net', phpVersion: '8.4', uid: 100_011 };

async function plan(host: FakeHost, name: string, args: unknown): Promise<readonly Change[]> {
  const action = ACTIONS.get(name)!;
  const parsed = parseActionArguments(action, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  const planned = await action.plan(host, parsed.args);
  if (!planned.ok) throw new Error(`${planned.code}: ${planned.detail}`);
  return planned.changes;
}

async function run(host: FakeHost, name: string, args: unknown): Promise<readonly Change[]> {
  const changes = await plan(host, name, args);
  const rehearsed = await ACTIONS.get(name)!.rehearse?.(host, args, changes);
  expect(rehearsed?.ok ?? true, JSON.stringify(rehearsed)).toBe(true);
  await applyChanges(host, changes);
  const verified = await ACTIONS.get(name)!.verify(host, args, changes);
  expect(verified.filter((check) => !check.ok)).toEqual([]);
  return changes;
}

/** Machines on which the action has something to do, and the action. */
const SCENES: readonly { title: string; name: string; args: unknown; prepare: (host: FakeHost) => Promise<void> }[] = [
  { title: 'a first account', name: 'account.create', args: account, prepare: async () => {} },
  {
    title: 'a second account',
    name: 'account.create',
    args: account,
    prepare: async (host) => void (await run(host, 'account.create', other)),
  },
  {
    title: 'another PHP version',
    name: 'php.switch-version',
    args: { account: 'w4a100010', version: '7.4' },
    prepare: async (host) => void (await run(host, 'account.create', account)),
  },
  {
    title: 'changed sites',
    name: 'apache.reload',
    args: {},
    prepare: (host) =>
      host.files.writeFile('/etc/apache2/sites-enabled/x.conf', 'ServerName x.example\n', {
        mode: 0o644,
        uid: 0,
        gid: 0,
      }),
  },
  {
    title: 'a ban',
    name: 'firewall.ban',
    args: { targets: ['192.0.2.1', '2001:db8::/48'], durationS: 600 },
    prepare: async () => {},
  },
  {
    title: 'a longer ban that swallows a prefix',
    name: 'firewall.ban',
    args: { targets: ['192.0.2.1', '198.51.0.0/16'], durationS: 6000 },
    prepare: async (host) =>
      void (await run(host, 'firewall.ban', { targets: ['192.0.2.1', '198.51.100.0/24'], durationS: 600 })),
  },
  {
    title: 'an unban',
    name: 'firewall.unban',
    args: { targets: ['192.0.2.1'] },
    prepare: async (host) =>
      void (await run(host, 'firewall.ban', { targets: ['192.0.2.1', '192.0.2.2'], permanent: true })),
  },
];

/** What a reload loads cannot be unloaded by undo when the files are somebody else's change. */
const isUndone = (name: string): boolean => name !== 'apache.reload';

describe.each(SCENES)('$name: $title', ({ name, args, prepare }) => {
  const scene = async (): Promise<FakeHost> => {
    const host = createFakeHost();
    await prepare(host);
    return host;
  };

  it('plans without an effect, and the same plan twice', async () => {
    const host = await scene();
    const [before, effects] = [host.snapshot(), host.effects.length];
    const first = await plan(host, name, args);
    host.clock.advance(5000);
    expect(await plan(host, name, args)).toEqual(first);
    expect(first.length).toBeGreaterThan(0);
    expect(host.effects.length).toBe(effects);
    expect(host.snapshot()).toBe(before);
  });

  it('plans nothing the second time', async () => {
    const host = await scene();
    await run(host, name, args);
    host.clock.advance(5000);
    const after = host.snapshot();
    expect(await run(host, name, args)).toEqual([]);
    expect(host.snapshot()).toBe(after);
  });

  it('apply, then revert, leaves the machine as it was; each twice is once', async () => {
    const host = await scene();
    const before = host.snapshot();
    const changes = await run(host, name, args);
    const after = host.snapshot();
    expect(after).not.toBe(before);
    await applyChanges(host, changes);
    expect(host.snapshot()).toBe(after);
    for (const change of changes) expect(await changeState(host, change)).toBe('after');
    expect(await revertChanges(host, changes)).toEqual([]);
    if (isUndone(name)) expect(host.snapshot()).toBe(before);
    const undone = host.snapshot();
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(undone);
  });

  it('settles after a crash at any effect, forward or back', async () => {
    const counted = await scene();
    const prepared = counted.effects.length;
    await run(counted, name, args);
    const [goal, count] = [counted.snapshot(), counted.effects.length - prepared];
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: count }),
        fc.constantFrom('before' as const, 'after' as const),
        fc.boolean(),
        async (nth, when, isForward) => {
          const host = await scene();
          const before = host.snapshot();
          const changes = await plan(host, name, args);
          host.crashAt(nth, when);
          await expect(applyChanges(host, changes)).rejects.toThrow(FakeCrash);
          if (isForward) await applyChanges(host, changes);
          else expect(await revertChanges(host, changes)).toEqual([]);
          if (isForward || isUndone(name)) expect(host.snapshot()).toBe(isForward ? goal : before);
        },
      ),
    );
  });

  it('settles after a crash in the middle of undoing', async () => {
    const host = await scene();
    const before = host.snapshot();
    const changes = await run(host, name, args);
    host.crashAt(2, 'after');
    // One effect only: there is no second to crash at.
    await revertChanges(host, changes).catch((error: unknown) => expect(error).toBeInstanceOf(FakeCrash));
    await revertChanges(host, changes);
    if (isUndone(name)) expect(host.snapshot()).toBe(before);
  });

  it('describes every change in words', async () => {
    const host = await scene();
    for (const change of await plan(host, name, args)) {
      const described = describeChange(change);
      expect(described.title).toMatch(/^[A-Z][^\n]{5,}$/);
      expect(described.kind).toBe(change.kind);
    }
  });
});

describe('conflicts', () => {
  const change: Change = {
    kind: 'file',
    path: '/etc/x.conf',
    before: null,
    after: { content: 'ours', mode: 0o644, uid: 0, gid: 0 },
  };

  it('stops when something else wrote the file meanwhile', async () => {
    const host = createFakeHost();
    await host.files.writeFile('/etc/x.conf', 'theirs', { mode: 0o644, uid: 0, gid: 0 });
    const before = host.snapshot();
    await expect(applyChange(host, change)).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
    await expect(revertChange(host, change)).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
    expect(host.snapshot()).toBe(before);
  });

  it('undo keeps what a customer has put into the tree, and says so', async () => {
    const host = createFakeHost();
    const changes = await run(host, 'account.create', account);
    host.world.files.set('/srv/vol1/w4a100010/var/www/shop.php', {
      type: 'file',
      content: '<?php',
      mode: 0o600,
      uid: 100_010,
      gid: 100_010,
    });
    const problems = await revertChanges(host, changes);
    expect(problems.map((problem) => problem.code)).toContain('CHANGE_CONFLICT');
    expect(host.world.files.get('/srv/vol1/w4a100010/var/www/shop.php')).toBeDefined();
    expect(host.world.files.get('/srv/vol1/w4a100010/var/www/index.php')).toBeDefined();
  });

  it('undo of one account leaves the folders that another one uses', async () => {
    const host = createFakeHost();
    const first = await run(host, 'account.create', account);
    await run(host, 'account.create', other);
    expect(await revertChanges(host, first)).toEqual([]);
    expect(await host.files.list('/srv/vol1')).toEqual(['w4a100011']);
    expect(await plan(host, 'account.create', other)).toEqual([]);
  });
});
