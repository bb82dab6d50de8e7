import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { logFolderOf, phpLogOf } from '@hauban/shared/actions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enableApacheModules } from '../apache.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import { createLabNetwork, type LabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import { ACCOUNT, expectDone, fetchPage, putPage } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const UNIT = 'hosting-php-w4a100010';

describe.skipIf(!lab.ok)('actions on a whole machine with systemd', () => {
  let network: LabNetwork;
  let node: FullNode;
  let actions: ActionNode;
  const version = async (): Promise<string> =>
    /PHP (\d\.\d)/.exec((await fetchPage(node, ACCOUNT.domain)).body)?.[1] ?? 'none';
  const units = async (): Promise<string> =>
    (await node.systemctl('list-unit-files', '--no-legend', '--no-pager')).stdout +
    (await node.systemctl('list-units', '--all', '--no-legend', '--no-pager', '--type=service', '--plain', 'hosting-*'))
      .stdout;

  beforeAll(async () => {
    network = await createLabNetwork();
    node = await createFullNode({ name: 'whole', network, phpRoots: ['8.4'], sizeMiB: 4096 });
    await enableApacheModules(node);
    await node.systemctl('restart', 'apache2');
    actions = await putDriverInto(node, '/usr/local/bin/node');
  });
  afterAll(async () => {
    await node.destroy();
    await network.destroy();
  });

  it('make a unit an account and version, switch without a lost request, and leave nothing when undone', async () => {
    const [before, unitsBefore] = [await snapshotNode(node), await units()];
    const created = expectDone(await actions.apply('account.create', ACCOUNT));
    process.stderr.write(`lab: account.create with systemd took ${Math.round(created.tookMs)} ms\n`);
    expect(await version()).toBe('8.2');
    expect((await node.systemctl('is-enabled', `${UNIT}-8.2`)).stdout).toBe('enabled\n');
    const between = await snapshotNode(node);
    expect(expectDone(await actions.apply('account.create', ACCOUNT)).changes).toEqual([]);

    const load = await node.spawn('/usr/bin/ab', [
      '-q',
      '-l',
      '-c',
      '4',
      '-n',
      '10000000',
      '-H',
      `Host: ${ACCOUNT.domain}`,
      'http://127.0.0.1/',
    ]);
    for (const to of ['8.4', '8.2']) {
      const done = expectDone(await actions.apply('php.switch-version', { account: ACCOUNT.name, version: to }));
      process.stderr.write(`lab: php.switch-version with systemd took ${Math.round(done.tookMs)} ms\n`);
      expect(await version()).toBe(to);
    }
    const report = (await load.stop('SIGINT')).stdout;
    expect(report).toMatch(/Failed requests:\s+0\n/);
    expect(report).not.toContain('Non-2xx responses');
    expect(await snapshotNode(node)).toBe(between);

    expect(expectDone(await actions.call({ mode: 'undo', changes: created.changes })).problems).toEqual([]);
    expect(await snapshotNode(node)).toBe(before);
    expect(await units()).toBe(unitsBefore);
  });

  it('shut PHP in: no other home, no other process, no socket of the executor', async () => {
    const created = expectDone(await actions.apply('account.create', ACCOUNT));
    const look = `<?php echo json_encode([scandir('/srv/vol1'), scandir('/run'), scandir('/etc/hosting/php'), count(preg_grep('/^\\d+$/', scandir('/proc'))), @file_put_contents('/etc/x', 'x'), is_writable('/usr')]);`;
    for (const to of ['8.2', '8.4']) {
      expectDone(await actions.apply('php.switch-version', { account: ACCOUNT.name, version: to }));
      await putPage(node, ACCOUNT, 'look.php', look);
      const [homes, run, config, processes, wrote, usr] = JSON.parse(
        (await fetchPage(node, ACCOUNT.domain, '/look.php')).body,
      );
      expect(homes).toEqual(['.', '..', ACCOUNT.name]);
      expect(run).toEqual(['.', '..', 'hosting', 'systemd']);
      expect(config).toEqual(['.', '..', ACCOUNT.name]);
      expect(processes).toBeLessThanOrEqual(4);
      expect(wrote).toBe(false);
      expect(usr).toBe(false);
    }
    await node.mustRun('/usr/bin/rm', [`/srv/vol1/${ACCOUNT.name}/var/www/look.php`]);
    expectDone(await actions.apply('php.switch-version', { account: ACCOUNT.name, version: '8.2' }));
    expect(expectDone(await actions.call({ mode: 'undo', changes: created.changes })).problems).toEqual([]);
  });

  it('come back after a death of the PHP master and after a boot; bans too', async () => {
    const created = expectDone(await actions.apply('account.create', ACCOUNT));
    expectDone(await actions.apply('firewall.ban', { targets: ['198.51.100.7'], durationS: 3600 }));
    const mainPid = async (): Promise<string> =>
      (await node.systemctl('show', '--property=MainPID', '--value', `${UNIT}-8.2`)).stdout.trim();
    const first = await mainPid();
    await node.mustRun('/usr/bin/kill', ['-9', first]);
    await waitUntil(
      'the new master',
      async () => !['0', first].includes(await mainPid()) && (await fetchPage(node, ACCOUNT.domain)).status === 200,
    );

    await node.powerOff();
    await node.boot();
    await waitUntil('the page after the boot', async () => (await fetchPage(node, ACCOUNT.domain)).status === 200);
    expect(await version()).toBe('8.2');
    expect(expectDone(await actions.plan('account.create', ACCOUNT)).changes).toEqual([]);
    expect((await node.mustRun('/usr/sbin/nft', ['list', 'ruleset'])).stdout).not.toContain('198.51.100.7');
    await actions.call({ mode: 'reconcile' });
    expect((await node.mustRun('/usr/sbin/nft', ['list', 'ruleset'])).stdout).toContain('198.51.100.7');
    expectDone(await actions.apply('firewall.unban', { targets: ['198.51.100.7'] }));
    expect(expectDone(await actions.call({ mode: 'undo', changes: created.changes })).problems).toEqual([]);
  });

  it('write on into their logs after logrotate has taken what was in them', async () => {
    const created = expectDone(await actions.apply('account.create', ACCOUNT));
    const [phpLog, accessLog] = [phpLogOf(ACCOUNT.name), `${logFolderOf(ACCOUNT.name)}/${ACCOUNT.domain}.access.log`];
    await putPage(node, ACCOUNT, 'say.php', `<?php error_log('said ' . $_GET['word']); echo 'well';`);
    const say = async (word: string): Promise<void> => {
      expect((await fetchPage(node, ACCOUNT.domain, `/say.php?word=${word}`)).body).toBe('well');
      for (const log of [phpLog, accessLog])
        await waitUntil(`${word} in ${log}`, async () => (await node.readFile(log)).includes(word));
    };
    // The node's own tree has no logrotate; both are Debian 12.
    await node.copyIn('/usr/sbin/logrotate', '/usr/sbin/logrotate');
    await node.copyIn(realpathSync('/usr/lib/x86_64-linux-gnu/libpopt.so.0'), '/usr/lib/x86_64-linux-gnu/libpopt.so.0');
    await node.copyIn(join(findRepositoryFolder(), 'systemd/hauban.logrotate'), '/etc/logrotate.d/hauban');
    const rotate = () =>
      node.mustRun('/usr/sbin/logrotate', ['--force', '--state', '/var/tmp/rotated', '/etc/logrotate.d/hauban']);
    await say('first');
    await rotate();
    await say('second');
    await rotate();
    await say('third');
    for (const log of [phpLog, accessLog]) {
      const [now, last] = [await node.readFile(log), await node.readFile(`${log}.1`)];
      expect(now).toContain('third');
      expect(now).not.toMatch(/first|second|\0/);
      expect(last).toContain('second');
      expect(last).not.toMatch(/first|third|\0/);
      expect((await node.mustRun('/usr/bin/zcat', [`${log}.2.gz`])).stdout).toContain('first');
      expect((await node.mustRun('/usr/bin/stat', ['--format=%a %U', log, `${log}.1`])).stdout).toBe(
        '640 root\n640 root\n',
      );
    }
    await node.mustRun('/usr/bin/rm', [`/srv/vol1/${ACCOUNT.name}/var/www/say.php`]);
    // Logs from before are somebody's: an undo keeps them, and says so.
    const { problems } = expectDone(await actions.call({ mode: 'undo', changes: created.changes }));
    expect(problems).toEqual([
      expect.objectContaining({ detail: expect.stringContaining('is kept, because it holds') }),
    ]);
    await node.mustRun('/usr/bin/rm', ['-r', logFolderOf(ACCOUNT.name)]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: created.changes })).problems).toEqual([]);
  });

  it('say what php-fpm said when a unit does not start', async () => {
    await node.writeFile(
      '/opt/hauban/php/8.4/etc/php/8.4/fpm/conf.d/zz.ini',
      'opcache.memory_consumption=1\nerror_reporting[]=\n[[broken\n',
    );
    await node.mustRun('/usr/bin/chmod', ['0', '/opt/hauban/php/8.4/usr/sbin/php-fpm8.4']);
    const created = expectDone(await actions.apply('account.create', ACCOUNT));
    const before = await snapshotNode(node);
    const answer = await actions.apply('php.switch-version', { account: ACCOUNT.name, version: '8.4' });
    expect(answer).toMatchObject({ ok: false, code: 'CONFIG_INVALID', problems: [] });
    expect(await snapshotNode(node)).toBe(before);
    expect(await version()).toBe('8.2');
    expect(expectDone(await actions.call({ mode: 'undo', changes: created.changes })).problems).toEqual([]);
  });
});
