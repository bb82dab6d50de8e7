import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  changeStates,
  parseActionArguments,
  revertChanges,
  type AccountEntry,
  type Change,
  type PermissionFindings,
  type Planned,
} from '../index.ts';

const ACCOUNT = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 };
const { name } = ACCOUNT;
const ENTRY: AccountEntry = {
  uid: 100_010,
  gid: 100_010,
  comment: '',
  home: `/srv/vol1/${name}`,
  shell: '/usr/sbin/nologin',
  password: '!',
  lastChangeDay: 20_000,
  minDays: 0,
  maxDays: 99_999,
  warnDays: 7,
  inactiveDays: null,
};
const ED25519 = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'B'.repeat(43)} laptop`;

async function plan(host: FakeHost, action: string, args: object): Promise<Planned> {
  const found = ACTIONS.get(action)!;
  const parsed = parseActionArguments(found, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return found.plan(host, parsed.args);
}
async function changesOf(host: FakeHost, action: string, args: object = { name }): Promise<readonly Change[]> {
  const planned = await plan(host, action, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const refusal = (planned: Planned): string => (planned.ok ? 'planned' : planned.detail);

/** A node with one account that is in use. */
async function createNode(entry: Partial<AccountEntry> = {}, expireDay: number | null = null): Promise<FakeHost> {
  const host = createFakeHost();
  host.world.apache.modules.push('headers');
  await applyChanges(host, await changesOf(host, 'account.create', ACCOUNT));
  await host.resources.write('account.entry', name, { ...ENTRY, ...entry });
  await host.resources.write('account.expiry', name, { day: expireDay });
  host.world.resources.set(resourceKey('account.home', `${name}/1`), { place: 'live' });
  host.world.answers['account.processes'] = () => [];
  host.world.answers['account.dataset'] = () => null;
  return host;
}
const SUSPEND = { name, reason: 'unpaid' };

describe.each<[string, object]>([
  ['account.suspend', SUSPEND],
  ['account.delete', { name }],
])('%s', (action, args) => {
  it('is applied, passes its own looks, is found done the second time, and is taken back', async () => {
    const host = await createNode();
    const before = host.snapshot();
    const changes = await changesOf(host, action, args);
    await applyChanges(host, changes);
    // The fake does not move homes.
    const home = host.world.files.get(`/srv/vol1/${name}`)!;
    host.world.files.delete(`/srv/vol1/${name}`);
    const looks = await ACTIONS.get(action)!.verify(host, args, changes);
    expect(looks.filter((look) => !look.ok)).toEqual([]);
    expect(await changesOf(host, action, args)).toEqual([]);
    host.world.files.set(`/srv/vol1/${name}`, home);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('killed at any effect, it can be taken back to what was before', async () => {
    const scene = async () => {
      const host = await createNode();
      return { host, changes: () => changesOf(host, action, args) };
    };
    expect(await sweepCrashes(scene, 7)).toEqual([]);
  });

  it('a user of somebody else is refused with what it is', async () => {
    const host = await createNode();
    host.world.users.set(name, { name, uid: 100_010, gid: 100_010, comment: '', home: '/home/x', shell: '/bin/sh' });
    expect(refusal(await plan(host, action, args))).toBe(
      `user ${name} is no hosting account: uid 100010, home /home/x`,
    );
  });
});

describe('account.suspend and account.unsuspend', () => {
  it('bring back the shell, the expiry and the PHP that were there, and nothing else', async () => {
    const host = await createNode({ shell: '/bin/bash' }, 30_000);
    const before = host.snapshot();
    await applyChanges(host, await changesOf(host, 'account.suspend', SUSPEND));
    expect(await host.resources.read('account.expiry', name)).toEqual({ day: 1 });
    expect(await host.resources.read('account.shell', name)).toEqual({ shell: '/usr/sbin/nologin' });
    expect(host.world.phpRunning.size).toBe(0);
    const back = await changesOf(host, 'account.unsuspend');
    await applyChanges(host, back);
    const kept = ['/etc/hosting/suspended'];
    for (const folder of kept) host.world.files.delete(folder);
    expect(host.snapshot()).toBe(before);
    expect(await changesOf(host, 'account.unsuspend')).toEqual([]);
  });

  it('a second suspension keeps the note of the first', async () => {
    const host = await createNode({ shell: '/bin/bash' });
    await applyChanges(host, await changesOf(host, 'account.suspend', SUSPEND));
    expect(await changesOf(host, 'account.suspend', { name, reason: 'abuse' })).toEqual([]);
    const note = await host.files.state(`/etc/hosting/suspended/${name}.json`);
    expect(note).toMatchObject({ type: 'file', mode: 0o600, content: expect.stringContaining('/bin/bash') });
  });

  it('the page of a site comes before anything of the customer', async () => {
    const host = await createNode();
    await applyChanges(host, await changesOf(host, 'account.suspend', SUSPEND));
    const page = await host.files.state(`/etc/apache2/sites-available/hosting-${name}--a.example.net.suspended`);
    const text = page.type === 'file' ? page.content : '';
    expect(text).toContain('ServerName a.example.net');
    expect(text).toContain('Redirect 503 "/"');
    expect(text).not.toMatch(/DocumentRoot|SetHandler|AllowOverride|\/srv\/vol1/);
  });

  it.each<[string, (host: FakeHost) => unknown, RegExp]>([
    [
      'a note that says another shell than a path',
      (host) =>
        host.world.files.set(`/etc/hosting/suspended/${name}.json`, {
          ...{ type: 'file', mode: 0o600, uid: 0, gid: 0 },
          content: '{"version":1,"reason":"unpaid","expireDay":null,"shell":"/bin/sh -c id","php":[]}',
        }),
      /is no note of a suspension/,
    ],
    [
      'an account that has expired without us',
      async (host) => host.resources.write('account.expiry', name, { day: 1 }),
      /has expired already, and not by this action/,
    ],
    [
      'a site that was made by hand',
      (host) =>
        host.world.files.set(`/etc/apache2/sites-enabled/hosting-${name}--a.example.net.conf`, {
          type: 'symlink',
          target: '/opt/other.conf',
        }),
      /points elsewhere/,
    ],
  ])('refuses %s', async (_, arrange, wanted) => {
    const host = await createNode();
    await arrange(host);
    expect(refusal(await plan(host, 'account.suspend', SUSPEND))).toMatch(wanted);
  });

  it('unsuspend refuses an expiry that is not ours', async () => {
    const host = await createNode({}, 1);
    expect(refusal(await plan(host, 'account.unsuspend', { name }))).toMatch(/not by account\.suspend/);
  });
});

describe('account.delete', () => {
  it('never names the hash of a password in its plan, and says that the home is moved', async () => {
    const host = await createNode({ password: '$y$secret' });
    const changes = await changesOf(host, 'account.delete');
    const { describeChange } = await import('../index.ts');
    const texts = JSON.stringify(changes.map(describeChange));
    expect(texts).not.toContain('secret');
    expect(texts).toContain('Change home of w4a100010/1');
  });

  it('an account that is not there is deleted already', async () => {
    expect(await changesOf(createFakeHost(), 'account.delete')).toEqual([]);
  });

  it('done, every part of it counts as done, also the expiry that went with the user; so an undo is not refused', async () => {
    const host = await createNode();
    const changes = await changesOf(host, 'account.delete');
    await applyChanges(host, changes);
    expect(new Set(await changeStates(host, changes))).toEqual(new Set(['after']));
    await revertChanges(host, changes);
    expect(await changeStates(host, changes)).not.toContain('other');
  });

  it('a user that somebody put another expiry on is not taken for deleted', async () => {
    const host = await createNode();
    const changes = await changesOf(host, 'account.delete');
    await host.resources.write('account.expiry', name, { day: 30_000 });
    expect(await changeStates(host, changes)).toContain('other');
  });

  it('what was kept of an account of that name stays', async () => {
    const host = await createNode();
    host.world.files.set('/srv/vol1/.trash', { type: 'directory', mode: 0o700, uid: 0, gid: 0 });
    host.world.files.set(`/srv/vol1/.trash/${name}.1`, { type: 'directory', mode: 0o755, uid: 0, gid: 0 });
    const changes = await changesOf(host, 'account.delete');
    expect(changes).toContainEqual(expect.objectContaining({ path: `/srv/vol1/.trash/${name}.2.json` }));
  });
});

describe('account.set-ssh-keys', () => {
  const SSH = { fingerprints: ['256 x'], problem: null, readsKeys: true, isInstalled: true };
  const setKeys = (...keys: string[]) => parseActionArguments(ACTIONS.get('account.set-ssh-keys')!, { name, keys });

  it('writes root’s file, replaces it, and removes it with the last key', async () => {
    const host = await createNode();
    host.world.files.set('/etc/ssh', { type: 'directory', mode: 0o755, uid: 0, gid: 0 });
    host.world.answers['account.ssh'] = () => SSH;
    const before = host.snapshot();
    const changes = await changesOf(host, 'account.set-ssh-keys', { name, keys: [ED25519] });
    await applyChanges(host, changes);
    expect(await host.files.state(`/etc/ssh/hosting_keys/${name}`)).toMatchObject({
      ...{ type: 'file', mode: 0o644, uid: 0, gid: 0 },
      content: expect.stringContaining(`\n${ED25519}\n`),
    });
    expect(await changesOf(host, 'account.set-ssh-keys', { name, keys: [ED25519] })).toEqual([]);
    await applyChanges(host, await changesOf(host, 'account.set-ssh-keys', { name, keys: [] }));
    expect(await host.files.state(`/etc/ssh/hosting_keys/${name}`)).toEqual({ type: 'absent' });
    await applyChanges(host, await changesOf(host, 'account.set-ssh-keys', { name, keys: [ED25519] }));
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it.each([
    ['options before the key', `command="/bin/sh" ${ED25519}`],
    ['a source before the key', `from="*" ${ED25519}`],
    ['a certificate authority', `cert-authority ${ED25519}`],
    ['a second line', `${ED25519}\n${ED25519}`],
    ['a carriage return', `${ED25519}\r${ED25519}`],
    ['another type inside than outside', ED25519.replace('ssh-ed25519', 'ecdsa-sha2-nistp256')],
    ['a comment that looks like an option', `${ED25519} command="x"`],
    ['a damaged body', ED25519.replace('BBBB ', 'BB ')],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACBAO'],
    ['RSA of 1024 bits', `ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ${'D'.repeat(172)}`],
    ['nothing', ''],
  ])('refuses %s', (_, key) => expect(setKeys(key).ok).toBe(false));

  it('takes a key twice as one, whatever its comment', () => {
    expect(setKeys(ED25519, ED25519.replace('laptop', 'desk'))).toEqual({ ok: true, args: { name, keys: [ED25519] } });
  });

  it('leaves a file alone that somebody wrote by hand', async () => {
    const host = await createNode();
    host.world.answers['account.ssh'] = () => SSH;
    host.world.files.set(`/etc/ssh/hosting_keys/${name}`, {
      ...{ type: 'file', content: 'ssh-rsa x\n', mode: 0o644, uid: 0, gid: 0 },
    });
    expect(refusal(await plan(host, 'account.set-ssh-keys', { name, keys: [ED25519] }))).toMatch(/was not made by/);
  });
});

describe('account.fix-permissions', () => {
  const found: PermissionFindings = {
    looked: 5,
    wrong: { modes: 2 },
    first: ['a.css: 0600 1:1 -> 0644 1:1'],
    digest: 'd'.repeat(64),
    skipped: { links: 1 },
  };

  it('names what is wrong, puts it right, and keeps what was before for undo', async () => {
    const host = await createNode();
    let answer = found;
    host.world.answers['account.permissions'] = () => answer;
    const planned = await plan(host, 'account.fix-permissions', { name });
    expect(planned).toMatchObject({ ok: true, notes: expect.arrayContaining(['a.css: 0600 1:1 -> 0644 1:1']) });
    const changes = planned.ok ? planned.changes : [];
    expect(changes.map((change) => change.kind === 'task' && [change.task, change.when])).toEqual([
      ['account.restore-permissions', 'undo'],
      ['account.fix-permissions', 'apply'],
    ]);
    answer = { ...found, wrong: {} };
    expect(await changesOf(host, 'account.fix-permissions')).toEqual([]);
  });

  it.each(['..', 'var', 'etc', '/etc', 'var/www/../..', 'var/www/.', 'tmp/..', 'var/www/', 'var/wwwx', 'var/www/a\0'])(
    'refuses the folder %j',
    (path) => {
      expect(parseActionArguments(ACTIONS.get('account.fix-permissions')!, { name, path }).ok).toBe(false);
    },
  );
});

describe('account.set-quota', () => {
  const facts = { kind: 'btrfs', usedMiB: 50, says: '' };

  it('refuses less than is used unless told, and a file system that can not', async () => {
    const host = await createNode();
    host.world.answers['account.quota-facts'] = () => facts;
    expect(refusal(await plan(host, 'account.set-quota', { name, hardMiB: 49 }))).toMatch(/uses 50 MiB already/);
    expect(await changesOf(host, 'account.set-quota', { name, hardMiB: 49, allowOverQuota: true })).toHaveLength(1);
    host.world.answers['account.quota-facts'] = () => ({ kind: null, usedMiB: 0, says: 'it is on ext4' });
    expect(refusal(await plan(host, 'account.set-quota', { name, hardMiB: 60 }))).toBe('it is on ext4');
  });

  it('undo sets the limit that was there', async () => {
    const host = await createNode();
    host.world.answers['account.quota-facts'] = () => facts;
    host.world.resources.set(resourceKey('account.quota', name), { hardMiB: 100 });
    const before = host.snapshot();
    const changes = await changesOf(host, 'account.set-quota', { name });
    await applyChanges(host, changes);
    expect(host.world.resources.get(resourceKey('account.quota', name))).toEqual({ hardMiB: null });
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });
});
