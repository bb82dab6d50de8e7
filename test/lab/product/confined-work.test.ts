import { realpathSync } from 'node:fs';
import type { RunTarget } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFirstAccount, runOnNode, type RestClient } from '../../support/first-account.ts';
import { mountHomes } from '../actions/storage-node.ts';
import { enableApacheModules } from '../apache.ts';
import { makeOrTakeBack, type CleanupList } from '../cleanup-list.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { createLabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { installAgent, packageAgent, waitForNode } from './installed-agent.ts';
import { createLabController, type LabController } from './lab-controller.ts';

const lab = labRequirements();
const ACCOUNT = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2' } as const;
const { name } = ACCOUNT;
const PAGE = `/srv/vol1/${name}/var/www/shop/config.php`;
const FOLDER = '/etc/hosting/restic';
const POLICY = `version = 1

[[allow]]
actions = ["account.create", "account.delete", "account.set-quota", "account.make-jail", "account.remove-jail", "snapshot.*", "storage.*", "service.reload"]
`;
/** The node's tree is a plain one: these come from this machine, which has the same Debian. */
const PROGRAMS = [
  ...['/usr/bin/restic', '/usr/bin/btrfs', '/usr/lib/x86_64-linux-gnu/liblzo2.so.2'],
  ...['/usr/sbin/zfs', '/usr/sbin/zpool', '/usr/sbin/zfs-fuse'],
  ...['/usr/lib/x86_64-linux-gnu/libfuse.so.2', '/usr/lib/x86_64-linux-gnu/libtirpc.so.3'],
];
const ON_ZFS = { name: 'w4a100011', domain: 'b.example.net', phpVersion: '8.2' } as const;

describe.skipIf(!lab.ok)('snapshots, restores and a jail inside of the executor’s own unit', () => {
  let takeBack: CleanupList['run'] = () => Promise.resolve();
  let client: RestClient;
  let node: FullNode;
  let id = '';

  const succeed = async (action: string, args: Record<string, unknown>): Promise<RunTarget> => {
    const target = await runOnNode(client, id, action, args);
    expect(target, JSON.stringify(target, null, 1)).toMatchObject({ state: 'succeeded', code: null });
    expect(target.verification.filter(({ ok }) => !ok)).toEqual([]);
    return target;
  };

  const standNode = (): Promise<LabController> =>
    makeOrTakeBack(async (cleanup) => {
      takeBack = cleanup.run;
      const network = await createLabNetwork();
      cleanup.add(() => network.destroy());
      const controller = await createLabController(network);
      cleanup.add(() => controller.destroy());
      const binds = [{ hostPath: await mountHomes(cleanup, [name]), nodePath: '/srv/vol1', writable: true }];
      node = await createFullNode({ name: 'store1', network, binds });
      cleanup.add(() => node.destroy());
      return controller;
    });

  beforeAll(async () => {
    const archive = await packageAgent();
    const controller = await standNode();
    for (const path of PROGRAMS) await node.copyIn(realpathSync(path), path);
    client = await makeFirstAccount(controller);
    await enableApacheModules(node);
    await node.systemctl('restart', 'apache2');
    const token = await controller.makeJoinToken(1);
    await installAgent(node, archive, { linkUrl: controller.linkUrl, token });
    await node.writeFile('/etc/hauban/policy.toml', POLICY, 0o644);
    id = (await waitForNode(client, 'store1', 'up')).id;
    await succeed('account.create', ACCOUNT);
    await node.mustRun('/usr/bin/mkdir', ['-p', FOLDER, '/var/backups/restic']);
    await node.writeFile(`${FOLDER}/repository`, '/var/backups/restic', 0o644);
    await node.writeFile(`${FOLDER}/password`, 'correct-horse\n', 0o600);
    await node.mustRun('/usr/bin/restic', [
      ...['--repository-file', `${FOLDER}/repository`, '--password-file', `${FOLDER}/password`, '--no-cache', 'init'],
    ]);
  }, 300_000);
  afterAll(() => takeBack());

  it.each(['btrfs', 'restic'])('with %s: kept by an order, lost, brought back by an order', async (store) => {
    const uid = (await node.mustRun('/usr/bin/id', ['-u', name])).stdout.trim();
    await node.mustRun('/usr/bin/install', ['-d', '-o', uid, '-g', uid, PAGE.slice(0, PAGE.lastIndexOf('/'))]);
    await node.writeFile(PAGE, `friday in ${store}`);
    await node.mustRun('/usr/bin/chown', [`${uid}:${uid}`, PAGE]);
    await node.mustRun('/usr/bin/chmod', ['0600', PAGE]);
    await succeed('snapshot.create', { name, store, class: 'manual', label: 'friday' });
    await node.writeFile(PAGE, 'broken on saturday');
    const listed = await succeed('snapshot.list', { name, store });
    expect(JSON.stringify(listed.data)).toContain('manual-friday');
    const restore = { name, store, snapshot: 'manual-friday', path: 'shop/config.php', mode: 'in-place' };
    await succeed('storage.restore-file', { ...restore, label: `of-${store}` });
    expect(await node.readFile(PAGE)).toBe(`friday in ${store}`);
    expect((await node.mustRun('/usr/bin/stat', ['--format=%u:%g %a', PAGE])).stdout).toBe(`${uid}:${uid} 600\n`);
    const again = await runOnNode(client, id, 'snapshot.create', { name, store, class: 'manual', label: 'friday' });
    expect(again).toMatchObject({ state: 'unchanged' });
  });

  it('a home that is a dataset of ZFS is limited and kept elsewhere, for the whole machine and not in the sandbox alone', async () => {
    const [home, dataset] = [`/srv/vol1/${ON_ZFS.name}`, `tank/homes/${ON_ZFS.name}`];
    const zfs = async (...args: readonly string[]): Promise<string> =>
      (await node.mustRun('/usr/sbin/zfs', args)).stdout.trim();
    await node.mustRun('/usr/bin/mknod', ['-m', '600', '/dev/fuse', 'c', '10', '229']);
    await node.mustRun('/usr/bin/mkdir', ['-p', '/run/zfs', '/var/lib/zfs', '/etc/hosting/zfs']);
    const daemon = ['--quiet', '--unit=zfs', '--', '/usr/sbin/zfs-fuse', '--no-daemon', '--no-kstat-mount'];
    await node.mustRun('/usr/bin/systemd-run', daemon);
    await waitUntil('ZFS', async () => (await node.run('/usr/sbin/zpool', ['list'])).code === 0);
    await node.mustRun('/usr/bin/truncate', ['--size=100M', '/var/lib/zfs/disk']);
    await node.mustRun('/usr/sbin/zpool', ['create', '-f', '-m', 'none', 'tank', '/var/lib/zfs/disk']);
    await zfs('create', '-o', 'canmount=off', '-o', 'mountpoint=/srv/vol1', 'tank/homes');
    await zfs('create', dataset);
    await node.writeFile('/etc/hosting/zfs/homes', 'tank/homes\n', 0o644);
    await succeed('account.create', ON_ZFS);
    await succeed('account.set-quota', { name: ON_ZFS.name, hardMiB: 40 });
    expect(await zfs('get', '-H', '-p', '-o', 'value', 'refquota', dataset)).toBe(`${40 << 20}`);
    await succeed('account.delete', { name: ON_ZFS.name });
    expect((await node.run('/usr/bin/test', ['-e', home])).code).toBe(1);
    const kept = await node.mustRun('/usr/bin/findmnt', ['-n', '-o', 'SOURCE', `/srv/vol1/.trash/${ON_ZFS.name}.1`]);
    expect(kept.stdout).toBe(`${dataset}\n`);
  });

  it('a jail with its devices, which the executor itself may not make: a process in it runs a shell', async () => {
    const uid = (await node.mustRun('/usr/bin/id', ['-u', name])).stdout.trim();
    await succeed('account.make-jail', { name });
    const chroot = ['--userspec', `${uid}:${uid}`, '--groups', '', `/srv/vol1/${name}`, '/bin/sh', '-c'];
    const seen = await node.run('/usr/sbin/chroot', [...chroot, 'id -un; echo gone > /dev/null; ls -d /srv']);
    expect(seen.stdout).toBe(`${name}\n`);
    expect(seen.stderr).toMatch(/^ls: .*\/srv/);
    const again = await runOnNode(client, id, 'account.make-jail', { name });
    expect(again).toMatchObject({ state: 'unchanged' });
    await succeed('account.remove-jail', { name });
    expect((await node.run('/usr/bin/test', ['-e', `/srv/vol1/${name}/dev/null`])).code).toBe(1);
  });

  it('php-fpm is reloaded after its pools were started apart, and a pool that would end it is refused', async () => {
    await succeed('service.reload', { unit: 'php8.2-fpm' });
    await node.writeFile(
      '/etc/php/8.2/fpm/pool.d/x.conf',
      '[x]\nuser = www-data\nlisten = /run/gone/x.sock\npm = ondemand\n',
    );
    const refused = await runOnNode(client, id, 'service.reload', { unit: 'php8.2-fpm' });
    expect(refused).toMatchObject({ state: 'refused', code: 'CONFIG_INVALID' });
    await node.mustRun('/usr/bin/rm', ['/etc/php/8.2/fpm/pool.d/x.conf']);
  });
});
