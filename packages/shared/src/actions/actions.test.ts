import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost } from '../testing/index.ts';
import { ACTIONS, applyChanges, parseActionArguments, revertChanges, type Planned } from './index.ts';

const account = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 };
const ROOT_FILE = { mode: 0o644, uid: 0, gid: 0 };

async function plan(host: FakeHost, name: string, args: unknown): Promise<Planned> {
  const action = ACTIONS.get(name)!;
  const parsed = parseActionArguments(action, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return action.plan(host, parsed.args);
}

async function apply(host: FakeHost, name: string, args: unknown): Promise<void> {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  await applyChanges(host, planned.changes);
}

const refusal = (planned: Planned): string => (planned.ok ? 'planned' : `${planned.code} ${planned.detail}`);

describe('the list', () => {
  it('has each action under its own name, with a lock for everything that changes', () => {
    for (const [name, action] of ACTIONS) {
      expect(action.name).toBe(name);
      expect(action.docs.length).toBeGreaterThan(60);
      if (action.readOnly) continue;
      expect(
        action.locks({
          ...account,
          account: 'w4a100010',
          targets: [],
          items: [{ action: 'account.create', args: account }],
          accounts: [account],
        }).length,
      ).toBeGreaterThan(0);
    }
  });
});

describe('account.create', () => {
  it('tells useradd to give no range of subordinate ids', async () => {
    const host = createFakeHost();
    await apply(host, 'account.create', account);
    const line = host.ran.find((ran) => ran.startsWith('useradd')) ?? '';
    expect(line).toContain('-K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 -- w4a100010');
    expect(line).toContain('--no-create-home');
    expect(host.world.subordinateRanges).toEqual([]);
  });

  it('makes system folders of the tree root-owned, and only tmp and var/www the account’s', async () => {
    const host = createFakeHost();
    await apply(host, 'account.create', account);
    const owned = [...host.world.files]
      .filter(([path, state]) => path.startsWith('/srv/vol1/w4a100010') && 'uid' in state && state.uid !== 0)
      .map(([path]) => path.slice('/srv/vol1/w4a100010/'.length))
      .sort();
    expect(owned).toEqual(['tmp', 'var/www', 'var/www/index.php']);
  });

  it.each<[string, (host: FakeHost) => void, RegExp]>([
    [
      'the uid belongs to somebody else',
      (host) => host.world.users.set('bob', { name: 'bob', uid: 100_010, gid: 1, comment: '', home: '/', shell: '/' }),
      /uid 100010 belongs to user bob/,
    ],
    [
      'the gid belongs to somebody else',
      (host) => host.world.groups.set('bobs', { name: 'bobs', gid: 100_010, members: [] }),
      /gid 100010 belongs to group bobs/,
    ],
    [
      'the name exists with another uid',
      (host) =>
        host.world.users.set('w4a100010', { name: 'w4a100010', uid: 5, gid: 5, comment: '', home: '/', shell: '/' }),
      /exists with other data/,
    ],
    ['PHP is not installed', (host) => host.world.phpInstalled.splice(0), /PHP 8\.2 is not installed.*none/],
    ['Apache is not installed', (host) => (host.world.apache.isInstalled = false), /Apache is not installed/],
    ['Apache does not run', (host) => (host.world.apache.isRunning = false), /does not run/],
    ['proxy_fcgi is not enabled', (host) => (host.world.apache.modules = ['proxy']), /a2enmod proxy_fcgi/],
    [
      'the name has subordinate ids',
      (host) => host.world.subordinateRanges.push('w4a100010:100000:65536'),
      /subordinate ids/,
    ],
    [
      'the home is a link',
      (host) => host.world.files.set('/srv/vol1', { type: 'symlink', target: '/tmp' }),
      /\/srv\/vol1 is there, and it is no directory/,
    ],
    [
      'a site file of that name was changed by hand',
      (host) =>
        host.world.files.set('/etc/apache2/sites-available/hosting-w4a100010--a.example.net.conf', {
          type: 'file',
          content: 'x',
          ...ROOT_FILE,
        }),
      /other content/,
    ],
  ])('refuses when %s', async (_, arrange, wanted) => {
    const host = createFakeHost();
    arrange(host);
    const before = host.snapshot();
    expect(refusal(await plan(host, 'account.create', account))).toMatch(wanted);
    expect(host.snapshot()).toBe(before);
  });

  it('refuses a domain that another site has', async () => {
    const host = createFakeHost();
    await apply(host, 'account.create', account);
    const second = { ...account, name: 'w4a100011', uid: 100_011 };
    expect(refusal(await plan(host, 'account.create', second))).toMatch(/a\.example\.net is a site already.*w4a100010/);
  });

  it('refuses to change the version of an account that exists', async () => {
    const host = createFakeHost();
    await apply(host, 'account.create', account);
    expect(refusal(await plan(host, 'account.create', { ...account, phpVersion: '8.4' }))).toMatch(
      /php\.switch-version/,
    );
  });

  it('is refused in the rehearsal when another site is broken', async () => {
    const host = createFakeHost();
    await host.files.writeFile('/etc/apache2/sites-enabled/x.conf', 'ServerName x.example\nKeyMismatch\n', ROOT_FILE);
    const planned = await plan(host, 'account.create', account);
    expect(planned.ok).toBe(true);
    const rehearsed = await ACTIONS.get('account.create')!.rehearse!(host, account, planned.ok ? planned.changes : []);
    expect(rehearsed).toMatchObject({
      ok: false,
      code: 'CONFIG_INVALID',
      detail: '/etc/apache2/sites-enabled/x.conf line 2: the key does not belong to the certificate',
    });
  });

  it('verify sees PHP that runs as somebody else', async () => {
    const host = createFakeHost();
    await apply(host, 'account.create', account);
    for (const [socket, master] of host.world.phpRunning)
      host.world.phpRunning.set(socket, { ...master, uid: 33, gid: 33 });
    const failed = (await ACTIONS.get('account.create')!.verify(host, account, [])).filter((check) => !check.ok);
    expect(failed.map((check) => check.name)).toContain('PHP through Apache');
  });
});

describe('php.switch-version', () => {
  const ready = async (): Promise<FakeHost> => {
    const host = createFakeHost();
    await apply(host, 'account.create', account);
    return host;
  };

  it('starts the new master, moves the link, and only then stops the old one; Apache is not reloaded', async () => {
    const host = await ready();
    const [from, reloads] = [host.effects.length, host.world.apache.reloads];
    await apply(host, 'php.switch-version', { account: 'w4a100010', version: '8.4' });
    expect(host.effects.slice(from).filter((line) => /PHP|link/.test(line))).toEqual([
      'start PHP 8.4 of w4a100010',
      'link /run/hosting/w4a100010.sock',
      'stop PHP 8.2 of w4a100010',
    ]);
    expect(host.world.apache.reloads).toBe(reloads);
  });

  it('there and back leaves the machine as it was', async () => {
    const host = await ready();
    const before = host.snapshot();
    await apply(host, 'php.switch-version', { account: 'w4a100010', version: '8.4' });
    await apply(host, 'php.switch-version', { account: 'w4a100010', version: '8.2' });
    expect(host.snapshot()).toBe(before);
  });

  it('goes back while the old master still runs when the site breaks with the new version', async () => {
    const host = await ready();
    const before = host.snapshot();
    host.world.pageStatus.set('7.4', 500);
    const planned = await plan(host, 'php.switch-version', { account: 'w4a100010', version: '7.4' });
    const changes = planned.ok ? planned.changes : [];
    const from = host.effects.length;
    await expect(applyChanges(host, changes)).rejects.toMatchObject({
      code: 'VERIFY_FAILED',
      detail: expect.stringContaining('answers 500 with PHP 7.4'),
    });
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.effects.slice(from).some((line) => line.startsWith('stop PHP 8.2'))).toBe(false);
    expect(host.snapshot()).toBe(before);
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown account', { account: 'w4a999999', version: '8.4' }, /does not exist/],
    [
      'a version that is not installed',
      { account: 'w4a100010', version: '8.0' },
      /PHP 8\.0 is not installed on this node; installed: 7\.4, 8\.2, 8\.4/,
    ],
    ['a user who is no hosting account', { account: 'daemon', version: '8.4' }, /no hosting account/],
  ])('refuses %s', async (_, args, wanted) => {
    const host = await ready();
    host.world.users.set('daemon', { name: 'daemon', uid: 1, gid: 1, comment: '', home: '/usr/sbin', shell: '/' });
    expect(refusal(await plan(host, 'php.switch-version', args))).toMatch(wanted);
  });

  it('refuses an account whose pool was changed by hand', async () => {
    const host = await ready();
    await host.files.writeFile('/etc/hosting/php/w4a100010/8.2.conf', '; mine', ROOT_FILE);
    expect(refusal(await plan(host, 'php.switch-version', { account: 'w4a100010', version: '8.4' }))).toMatch(
      /changed by hand/,
    );
  });
});

describe('apache.reload', () => {
  it.each([
    ['BrokenDirective', 'CONFIG_INVALID /etc/apache2/sites-enabled/x.conf line 2: Invalid command'],
    ['KeyMismatch', 'CONFIG_INVALID /etc/apache2/sites-enabled/x.conf line 2: the key does not belong'],
  ])('refuses %s with file, line and reason', async (line, wanted) => {
    const host = createFakeHost();
    await host.files.writeFile('/etc/apache2/sites-enabled/x.conf', `ServerName x.example\n${line}\n`, ROOT_FILE);
    expect(refusal(await plan(host, 'apache.reload', {}))).toContain(wanted);
  });
});

describe('firewall', () => {
  const ban = (host: FakeHost, targets: string[], more: object = { durationS: 3600 }): Promise<void> =>
    apply(host, 'firewall.ban', { targets, ...more });
  const banned = (host: FakeHost): string[] => [...host.world.bans.keys()].sort();

  it.each([
    ['the address itself', '203.0.113.9', '203.0.113.9'],
    ['a prefix that holds it', '203.0.113.0/24', '203.0.113.9'],
    ['an address in a never-banned prefix', '198.51.100.7', '198.51.100.0/24'],
  ])('refuses to ban %s', async (_, target, never) => {
    const host = createFakeHost();
    host.world.neverBan.push({ target: never, why: "this node's controller" });
    expect(refusal(await plan(host, 'firewall.ban', { targets: ['192.0.2.1', target], durationS: 60 }))).toMatch(
      /^ACTION_REFUSED .* is never banned: .* is this node's controller$/,
    );
  });

  it('does not extend a ban by the seconds between two requests, but by a real difference', async () => {
    const host = createFakeHost();
    await ban(host, ['192.0.2.1']);
    host.clock.advance(60_000);
    expect(await plan(host, 'firewall.ban', { targets: ['192.0.2.1'], durationS: 3600 })).toMatchObject({
      ok: true,
      changes: [],
    });
    host.clock.advance(600_000);
    expect(await plan(host, 'firewall.ban', { targets: ['192.0.2.1'], durationS: 3600 })).toMatchObject({
      ok: true,
      changes: [{ kind: 'bans' }],
    });
  });

  it('never shortens a ban', async () => {
    const host = createFakeHost();
    await ban(host, ['192.0.2.1'], { permanent: true });
    expect(await plan(host, 'firewall.ban', { targets: ['192.0.2.1'], durationS: 60 })).toMatchObject({
      ok: true,
      changes: [],
    });
  });

  it('answers that an address is covered by a banned prefix', async () => {
    const host = createFakeHost();
    await ban(host, ['198.51.100.0/24']);
    expect(await plan(host, 'firewall.ban', { targets: ['198.51.100.7'], durationS: 60 })).toMatchObject({
      ok: true,
      changes: [],
      notes: [expect.stringContaining('covered already by 198.51.100.0/24')],
    });
  });

  it('a wider prefix replaces the smaller ones in it; one that ends later is not lost', async () => {
    const host = createFakeHost();
    await ban(host, ['198.51.100.0/24', '198.51.101.0/24']);
    await ban(host, ['198.51.0.0/16'], { durationS: 7200 });
    expect(banned(host)).toEqual(['198.51.0.0/16']);
    expect(refusal(await plan(host, 'firewall.ban', { targets: ['198.51.100.0/24'], permanent: true }))).toMatch(
      /lies in 198\.51\.0\.0\/16/,
    );
    await ban(host, ['2001:db8:1::/48'], { permanent: true });
    expect(refusal(await plan(host, 'firewall.ban', { targets: ['2001:db8::/32'], durationS: 60 }))).toMatch(
      /banned for longer/,
    );
  });

  it('refuses prefixes that overlap in one request', async () => {
    expect(
      refusal(
        await plan(createFakeHost(), 'firewall.ban', { targets: ['198.51.0.0/16', '198.51.100.0/24'], durationS: 60 }),
      ),
    ).toMatch(/overlap/);
  });

  it('lifts what is named; an address inside a banned prefix is refused with the prefix', async () => {
    const host = createFakeHost();
    await ban(host, ['198.51.100.0/24', '192.0.2.1', '2001:db8::1']);
    expect(refusal(await plan(host, 'firewall.unban', { targets: ['198.51.100.7'] }))).toMatch(
      /lies in 198\.51\.100\.0\/24/,
    );
    await apply(host, 'firewall.unban', { targets: ['192.0.2.1', '192.0.2.99'] });
    expect(banned(host)).toEqual(['198.51.100.0/24', '2001:db8::1']);
  });

  it('lists bans and what is never banned', async () => {
    const host = createFakeHost();
    await ban(host, ['192.0.2.1']);
    expect(await plan(host, 'firewall.list', {})).toMatchObject({
      ok: true,
      changes: [],
      data: { bans: [{ target: '192.0.2.1', reason: 'manual' }], neverBan: [{ target: '127.0.0.0/8' }] },
    });
  });

  it('a ban that ran out meanwhile is undone without complaint', async () => {
    const host = createFakeHost();
    const planned = await plan(host, 'firewall.ban', { targets: ['192.0.2.1'], durationS: 60 });
    const changes = planned.ok ? planned.changes : [];
    await applyChanges(host, changes);
    host.clock.advance(61_000);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(banned(host)).toEqual([]);
  });
});
