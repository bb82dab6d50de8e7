import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, fetchPage, putPage, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();

describe.skipIf(!lab.ok)('php.switch-version on a real node', () => {
  let hosting: HostingNode;
  const version = async (): Promise<string> =>
    /PHP (\d\.\d)/.exec((await fetchPage(hosting.node, ACCOUNT.domain)).body)?.[1] ?? 'none';
  const switchTo = (to: string) => hosting.actions.apply('php.switch-version', { account: ACCOUNT.name, version: to });

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'versions', phpRoots: ['8.4', '7.4'], sizeMiB: 2048 });
    expectDone(await hosting.actions.apply('account.create', ACCOUNT));
  });
  afterAll(() => hosting.node.destroy());

  it('changes the version that the page shows; twice is once; undo and the way back leave the machine as it was', async () => {
    const { node, actions } = hosting;
    const before = await snapshotNode(node);
    expect(await version()).toBe('8.2');
    const first = expectDone(await switchTo('8.4'));
    process.stderr.write(`lab: php.switch-version took ${Math.round(first.tookMs)} ms\n`);
    expect(await version()).toBe('8.4');
    const after = await snapshotNode(node);
    expect(expectDone(await switchTo('8.4')).changes).toEqual([]);
    expect(await snapshotNode(node)).toBe(after);
    expect(expectDone(await actions.call({ mode: 'undo', changes: first.changes })).problems).toEqual([]);
    expect(await version()).toBe('8.2');
    expect(await snapshotNode(node)).toBe(before);
    expectDone(await switchTo('7.4'));
    expect(await version()).toBe('7.4');
    expectDone(await switchTo('8.2'));
    expect(await snapshotNode(node)).toBe(before);
  });

  it('loses no request while versions change under load, and never reloads Apache', async () => {
    const { node } = hosting;
    const master = await node.readFile('/run/apache2/apache2.pid');
    const reloads = async (): Promise<number> =>
      (await node.readFile('/var/log/apache2/error.log')).split('SIGUSR1').length;
    const before = await reloads();
    const header = `Host: ${ACCOUNT.domain}`;
    const load = await node.spawn('/usr/bin/ab', [
      '-q',
      '-l',
      '-c',
      '8',
      '-n',
      '10000000',
      '-H',
      header,
      'http://127.0.0.1/',
    ]);
    for (const to of ['8.4', '8.2', '7.4', '8.4', '7.4', '8.2']) {
      expectDone(await switchTo(to));
      expect(await version()).toBe(to);
    }
    const report = (await load.stop('SIGINT')).stdout;
    const count = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(report)?.[1] ?? '0');
    process.stderr.write(
      `lab: ${count('Complete requests')} requests over 6 switches, ${count('Failed requests')} failed\n`,
    );
    expect(count('Complete requests')).toBeGreaterThan(50);
    expect(count('Failed requests')).toBe(0);
    expect(report).not.toContain('Non-2xx responses');
    expect(await reloads()).toBe(before);
    expect(await node.readFile('/run/apache2/apache2.pid')).toBe(master);
  });

  it('lets a request in flight finish on the old version', async () => {
    const { node } = hosting;
    await putPage(
      node,
      ACCOUNT,
      'slow.php',
      '<?php touch(__DIR__ . "/started"); $end = microtime(true) + 3; while (microtime(true) < $end) usleep(1000); echo "done on ", PHP_VERSION;',
      '0600',
    );
    const slow = fetchPage(node, ACCOUNT.domain, '/slow.php');
    while (!(await node.exists('/srv/vol1/w4a100010/var/www/started')));
    expectDone(await switchTo('8.4'));
    expect(await slow).toEqual({ status: 200, body: expect.stringContaining('done on 8.2') });
    expectDone(await switchTo('8.2'));
  });

  it('answers also those that wait for a free process of the old version', async () => {
    const { node } = hosting;
    await putPage(
      node,
      ACCOUNT,
      'busy.php',
      '<?php $end = microtime(true) + 0.3; while (microtime(true) < $end) usleep(10000); echo "PHP ", PHP_VERSION;',
      '0600',
    );
    // Ten processes at most: fourteen are always waiting.
    const load = await node.spawn('/usr/bin/ab', [
      ...['-q', '-l', '-c', '24', '-n', '10000000', '-H', `Host: ${ACCOUNT.domain}`, 'http://127.0.0.1/busy.php'],
    ]);
    for (const to of ['8.4', '8.2']) expectDone(await switchTo(to));
    const report = (await load.stop('SIGINT')).stdout;
    expect(report).toMatch(/Failed requests:\s+0\n/);
    expect(report).not.toContain('Non-2xx responses');
    await node.mustRun('/usr/bin/rm', [`/srv/vol1/${ACCOUNT.name}/var/www/busy.php`]);
  });

  it('goes back at once when the site does not work with the new version', async () => {
    const { node } = hosting;
    await putPage(node, ACCOUNT, 'index.php', '<?php echo match (true) { true => "PHP " . PHP_VERSION };', '0600');
    expect(await version()).toBe('8.2');
    const before = await snapshotNode(node);
    const answer = await switchTo('7.4');
    expect(answer).toMatchObject({ ok: false, code: 'VERIFY_FAILED', problems: [] });
    expect(answer).toMatchObject({ detail: expect.stringContaining('answers 500 with PHP 7.4') });
    expect(await snapshotNode(node)).toBe(before);
    expect(await version()).toBe('8.2');
  });

  it('refuses a pool configuration that php-fpm does not take, and nothing has changed', async () => {
    const { node } = hosting;
    // The account's own folder of the new version's configuration is root's: only a broken installation can do this.
    await node.mustRun('/usr/bin/mv', ['/opt/hauban/php/7.4/usr/sbin/php-fpm7.4', '/opt/hauban/php/7.4/usr/sbin/kept']);
    await node.writeFile('/opt/hauban/php/7.4/usr/sbin/php-fpm7.4', 'no program', 0o755);
    const before = await snapshotNode(node);
    expect(await switchTo('7.4')).toMatchObject({ ok: false, code: 'CONFIG_INVALID', problems: [] });
    expect(await snapshotNode(node)).toBe(before);
    await node.mustRun('/usr/bin/mv', ['/opt/hauban/php/7.4/usr/sbin/kept', '/opt/hauban/php/7.4/usr/sbin/php-fpm7.4']);
  });
});
