import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFullNode, type FullNode } from '../full-node.ts';
import { createLabNetwork, type LabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import { expectDone } from './hosting-node.ts';
import { makePackage, REPOSITORY, writeArchive } from './package-archive.ts';

const lab = labRequirements();
const POOL = '/etc/php/8.2/fpm/pool.d/x.conf';
describe.skipIf(!lab.ok)('services, packages and reboot on a whole machine', () => {
  let network: LabNetwork;
  let node: FullNode;
  let actions: ActionNode;
  const active = async (unit: string): Promise<string> => (await node.systemctl('is-active', unit)).stdout.trim();
  const installed = async (name: string): Promise<string> =>
    (await node.run('/usr/bin/dpkg-query', ['--show', '--showformat=${Version}', name])).stdout;

  beforeAll(async () => {
    network = await createLabNetwork();
    node = await createFullNode({ name: 'served', network });
    actions = await putDriverInto(node, '/usr/local/bin/node');
  });
  afterAll(async () => {
    await node.destroy();
    await network.destroy();
  });

  it('stop, start, reload and restart a unit; the second time of a state changes nothing, undo brings it back', async () => {
    const stopped = expectDone(await actions.apply('service.stop', { unit: 'apache2' }));
    expect(stopped.titles).toEqual(['Change unit apache2.service']);
    expect(await active('apache2')).toBe('inactive');
    expect(expectDone(await actions.apply('service.stop', { unit: 'apache2' })).changes).toEqual([]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: stopped.changes })).problems).toEqual([]);
    expect(await active('apache2')).toBe('active');
    expect(expectDone(await actions.apply('service.start', { unit: 'apache2' })).changes).toEqual([]);

    const pid = async (): Promise<string> =>
      (await node.systemctl('show', '--property=MainPID', '--value', 'php8.2-fpm')).stdout.trim();
    const before = await pid();
    expectDone(await actions.apply('service.reload', { unit: 'php8.2-fpm' }));
    expect(await pid()).toBe(before);
    expectDone(await actions.apply('service.restart', { unit: 'php8.2-fpm' }));
    expect(await pid()).not.toBe(before);
  });

  it("systemd's limit of starts does not stop what is asked for; control: a restart too many by hand leaves it down", async () => {
    const restarted = async (unit: string): Promise<boolean> => (await node.systemctl('restart', unit)).code === 0;
    for (const [unit, action, args] of [
      ['php8.2-fpm', 'service.restart', { unit: 'php8.2-fpm' }],
      ['apache2', 'apache.restart', {}],
    ] as const) {
      await node.systemctl('reset-failed', unit);
      for (let time = 0; time < 5; time += 1) expect(await restarted(unit)).toBe(true);
      expectDone(await actions.apply(action, args));
      expect(await active(unit)).toBe('active');
    }
    let times = 0;
    while (times < 30 && (await restarted('php8.2-fpm'))) times += 1;
    expect(await active('php8.2-fpm')).toBe('failed');
    // And from there.
    expectDone(await actions.apply('service.start', { unit: 'php8.2-fpm' }));
    expect(await active('php8.2-fpm')).toBe('active');
  });

  it.each<[string, string, RegExp]>([
    ['a user that is not there', 'user = nobody-x\n', /nobody-x/],
    ['a socket in a folder that is not there', 'user = www-data\nlisten = /run/gone/x.sock\n', /\/run\/gone/],
    ['a setting that is not there', 'user = www-data\nno_such = 1\n', /pool\.d\/x\.conf line \d+: unknown entry/],
    ['a port that somebody else has', 'user = www-data\nlisten = 127.0.0.1:80\n', /port 80 belongs to another program/],
    ['a socket that somebody else has', 'user = www-data\nlisten = /run/dbus/system_bus_socket\n', /another program/],
  ])('php-fpm is neither reloaded nor restarted with %s', async (_what, lines, wanted) => {
    const facts = async (): Promise<string> =>
      (await node.systemctl('show', '--property=MainPID,ActiveState,InvocationID', 'php8.2-fpm')).stdout;
    const before = await facts();
    const listen = lines.includes('listen') ? '' : 'listen = /run/php/x.sock\n';
    await node.writeFile(POOL, `[x]\n${listen}pm = ondemand\npm.max_children = 2\n${lines}`);
    for (const action of ['service.reload', 'service.restart'])
      expect(await actions.apply(action, { unit: 'php8.2-fpm' })).toMatchObject({
        ok: false,
        code: 'CONFIG_INVALID',
        detail: expect.stringMatching(wanted),
      });
    expect(await facts()).toBe(before);
    expect((await node.systemctl('is-active', 'php8.2-fpm')).stdout.trim()).toBe('active');
    await node.mustRun('/usr/bin/rm', [POOL]);
  });

  it("control: a pool in a folder that is not there passes php-fpm's own test, and a reload ends PHP of all sites", async () => {
    await node.writeFile(POOL, '[x]\nuser = www-data\nlisten = /run/gone/x.sock\npm = ondemand\npm.max_children = 2\n');
    await node.mustRun('/usr/sbin/php-fpm8.2', ['-t']);
    await node.systemctl('reload', 'php8.2-fpm');
    await waitUntil('the end of php-fpm', async () => (await active('php8.2-fpm')) !== 'active');
    await node.mustRun('/usr/bin/rm', [POOL]);
    await node.systemctl('restart', 'php8.2-fpm');
    expect(await active('php8.2-fpm')).toBe('active');
  });

  it('a restart that was killed after it was done is not done again', async () => {
    const planned = expectDone(await actions.plan('service.restart', { unit: 'php8.2-fpm' }));
    expectDone(await actions.apply('service.restart', { unit: 'php8.2-fpm' }));
    const invocation = (await node.systemctl('show', '--property=InvocationID', '--value', 'php8.2-fpm')).stdout;
    const again = await actions.call({
      mode: 'verify',
      action: 'service.restart',
      args: { unit: 'php8.2-fpm' },
      changes: planned.changes,
    });
    expect(expectDone(again).verified.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect((await node.systemctl('show', '--property=InvocationID', '--value', 'php8.2-fpm')).stdout).toBe(invocation);
  });

  it.each([
    ['ssh, by which people come in', 'ssh'],
    ['our own link', 'hauban-link'],
    ['an option', '--help'],
    ['a path', '../apache2'],
    ['another kind of unit', 'apache2.socket'],
    ['two units', 'apache2 nginx'],
  ])('refuses to stop %s', async (_what, unit) => {
    expect(await actions.plan('service.stop', { unit })).toMatchObject({ ok: false, code: 'ACTION_ARGUMENTS' });
  });

  it('says that a unit is not on the node, and that one falls over after its start', async () => {
    expect(await actions.plan('service.start', { unit: 'haproxy' })).toMatchObject({
      ok: false,
      code: 'ACTION_REFUSED',
      detail: expect.stringContaining('haproxy.service is not on this node'),
    });
    await node.writeFile(
      '/etc/systemd/system/memcached.service',
      '[Service]\nExecStart=/usr/bin/sleep 1\nRestart=always\nRestartSec=100ms\n[Install]\nWantedBy=multi-user.target\n',
    );
    await node.systemctl('daemon-reload');
    const answer = await actions.apply('service.start', { unit: 'memcached' });
    expect(answer.ok && answer.verified.find(({ name }) => name === 'It stays up')).toMatchObject({ ok: false });
    await node.systemctl('disable', '--now', 'memcached');
  });

  it('security updates: exactly what was planned, nothing else, back again by undo', async () => {
    await node.mustRun('/usr/bin/mkdir', ['-p', REPOSITORY]);
    await node.writeFile('/etc/apt/sources.list', '');
    await node.mustRun('/usr/bin/find', ['/etc/apt/sources.list.d', '-type', 'f', '-delete']);
    await node.writeFile('/etc/apt/sources.list.d/lab.list', `deb [trusted=yes] file:${REPOSITORY} ./\n`);
    for (const [name, version] of [
      ['safe', '1.0'],
      ['safe', '1.1'],
      ['plain', '1.0'],
      ['plain', '2.0'],
    ] as const)
      await makePackage(node, name, version);
    await node.mustRun('/usr/bin/dpkg', ['--install', `${REPOSITORY}/safe_1.0.deb`, `${REPOSITORY}/plain_1.0.deb`]);
    await writeArchive(node, 'Debian-Security', [
      ['safe', '1.1'],
      ['safe', '1.0'],
    ]);
    expectDone(await actions.apply('package.refresh', {}));

    const listed = expectDone(await actions.apply('package.list-updates', {}));
    expect((listed.data as { updates: unknown[] }).updates).toEqual([
      expect.objectContaining({ name: 'safe', from: '1.0', to: '1.1', isSecurity: true }),
    ]);
    const done = expectDone(await actions.apply('package.upgrade-security', {}));
    expect(await installed('safe')).toBe('1.1');
    expect(expectDone(await actions.apply('package.upgrade-security', {})).changes).toEqual([]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
    expect(await installed('safe')).toBe('1.0');

    await writeArchive(node, 'Somebody', [
      ['plain', '2.0'],
      ['safe', '1.0'],
    ]);
    expectDone(await actions.apply('package.refresh', {}));
    const quiet = expectDone(await actions.apply('package.upgrade-security', {}));
    expect(quiet.changes).toEqual([]);
    expect(quiet.notes).toEqual(['1 other updates are left alone.']);
    expect(await installed('plain')).toBe('1.0');
  });

  it('an executor that dies in the middle of an upgrade does not take it along: the next one waits and finds it done', async () => {
    await makePackage(node, 'safe', '1.2');
    // Slow enough to be in the middle of it.
    await node.writeFile('/srv/made/safe_1.2/DEBIAN/preinst', '#!/bin/sh\nsleep 3\n');
    await node.mustRun('/usr/bin/chmod', ['755', '/srv/made/safe_1.2/DEBIAN/preinst']);
    await node.mustRun('/usr/bin/dpkg-deb', [
      '--build',
      '--root-owner-group',
      '/srv/made/safe_1.2',
      `${REPOSITORY}/safe_1.2.deb`,
    ]);
    await writeArchive(node, 'Debian-Security', [
      ['safe', '1.2'],
      ['safe', '1.0'],
    ]);
    expectDone(await actions.apply('package.refresh', {}));
    const planned = expectDone(await actions.plan('package.upgrade-security', {}));
    const running = actions.apply('package.upgrade-security', {}).catch(() => 'killed');
    await waitUntil('the unit', async () => (await active('hauban-packages')) === 'active');
    const driver = (await node.mustRun('/usr/bin/pgrep', ['--full', actions.file])).stdout.trim().split('\n')[0] ?? '';
    await node.mustRun('/usr/bin/kill', ['-9', driver]);
    await running;
    const found = await actions.call({ mode: 'states', changes: planned.changes });
    expect(expectDone(found).states).toEqual(['after']);
    expect(await installed('safe')).toBe('1.2');
  });

  it('a refresh from a place that does not answer fails with its name, and a half done package stops upgrades', async () => {
    await node.writeFile('/etc/apt/sources.list.d/gone.list', 'deb [trusted=yes] file:/srv/nowhere ./\n');
    const failed = await actions.apply('package.refresh', {});
    expect(failed).toMatchObject({
      ok: false,
      code: 'PROGRAM_FAILED',
      detail: expect.stringContaining('/srv/nowhere'),
    });
    await node.mustRun('/usr/bin/rm', ['/etc/apt/sources.list.d/gone.list']);
    await node.mustRun('/usr/bin/dpkg', ['--unpack', `${REPOSITORY}/plain_2.0.deb`]);
    expect(await actions.plan('package.upgrade-security', {})).toMatchObject({
      ok: false,
      detail: expect.stringContaining('half done'),
    });
    await node.mustRun('/usr/bin/dpkg', ['--configure', '-a']);
  });

  it('says whether a reboot is due, reboots, and proves the return', async () => {
    const quiet = expectDone(await actions.apply('node.reboot-required', {}));
    expect(quiet.data).toMatchObject({ isRequired: false, reasons: [] });
    expect(expectDone(await actions.apply('node.reboot', { onlyIfRequired: true })).changes).toEqual([]);
    await node.writeFile('/run/reboot-required', '*** System restart required ***\n');
    await node.writeFile('/run/reboot-required.pkgs', 'linux-image-amd64\n$(touch /srv/x)\n');
    expect(expectDone(await actions.apply('node.reboot-required', {})).data).toMatchObject({
      isRequired: true,
      reasons: ['asked for by linux-image-amd64'],
    });

    const planned = expectDone(await actions.plan('node.reboot', { onlyIfRequired: true }));
    const early = await actions.call({ mode: 'verify', action: 'node.reboot', args: {}, changes: planned.changes });
    expect(early.ok && early.verified.map(({ ok }) => ok)).toEqual([false, true]);
    const gone = actions.apply('node.reboot', { onlyIfRequired: true }).catch(() => 'the machine went down');
    // nspawn leaves the second half of a reboot to whoever started it.
    await waitUntil('the end of this boot', () => node.leaderPid() === null, { timeoutMs: 60_000 });
    await gone;
    await node.boot();
    const verified = await actions.call({ mode: 'verify', action: 'node.reboot', args: {}, changes: planned.changes });
    expect(expectDone(verified).verified.map(({ ok }) => ok)).toEqual([true, true]);
    expect(await active('apache2')).toBe('active');
  });
});
