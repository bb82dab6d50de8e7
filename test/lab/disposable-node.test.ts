import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startApache, stopApache } from './apache.ts';
import { createDisposableNode, type DisposableNode, type DisposableNodeOptions } from './disposable-node.ts';
import { requestHttp } from './http-request.ts';
import { describeLabTraces } from './lab-traces.ts';
import { waitUntil } from './program.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();

describe.skipIf(!lab.ok)('a disposable node', () => {
  const nodes: DisposableNode[] = [];
  const stand = async (options: DisposableNodeOptions): Promise<DisposableNode> => {
    const node = await createDisposableNode(options);
    nodes.push(node);
    return node;
  };
  afterEach(async () => {
    for (const node of nodes.splice(0).toReversed()) await node.destroy();
  });

  it('stands up and runs programs as its own machine', async () => {
    const node = await stand({ name: 'quick' });
    process.stderr.write(`lab: disposable node ready after ${Math.round(node.readyAfterMs)} ms\n`);
    expect((await node.mustRun('/usr/bin/hostname')).stdout).toBe('quick\n');
    expect((await node.mustRun('/usr/bin/readlink', ['/proc/1/exe'])).stdout).toBe('/usr/bin/tini\n');
    const links = await node.mustRun('/usr/bin/ip', ['-oneline', 'link']);
    expect(links.stdout.trim().split('\n')).toHaveLength(1);
    expect(links.stdout).toContain('lo: <LOOPBACK,UP');
    expect((await node.mustRun('/usr/bin/ls', ['/sys/class/net'])).stdout).toBe('lo\n');
    expect((await node.run('/usr/bin/false')).code).toBe(1);
  });

  it('keeps users, /etc and /var to itself', async () => {
    const passwdBefore = readFileSync('/etc/passwd', 'utf8');
    const node = await stand({ name: 'own' });
    await node.mustRun('/usr/sbin/groupadd', ['--gid', '100010', '--', 'w4a100010']);
    await node.mustRun('/usr/sbin/useradd', [
      '--uid',
      '100010',
      '--gid',
      '100010',
      '--no-create-home',
      '--',
      'w4a100010',
    ]);
    await node.writeFile('/var/lib/only-inside', 'x');
    expect(await node.readFile('/etc/passwd')).toContain('w4a100010:x:100010:100010');
    expect(readFileSync('/etc/passwd', 'utf8')).toBe(passwdBefore);
    const other = await stand({ name: 'other' });
    expect(await other.readFile('/etc/passwd')).not.toContain('w4a100010');
    expect(await other.exists('/var/lib/only-inside')).toBe(false);
    expect((await node.mustRun('/usr/bin/id', ['--user'], { as: { uid: 100010, gid: 100010 } })).stdout).toBe(
      '100010\n',
    );
  });

  it('ends what outlives its deadline, with its children', async () => {
    const node = await stand({ name: 'late' });
    const result = await node.run('/usr/bin/env', ['/usr/bin/sleep', '600'], { timeoutMs: 100 });
    expect(result.timedOut).toBe(true);
    // Process 1 collects the child a moment after its death.
    await waitUntil('the end of sleep', async () => {
      return (await node.run('/usr/bin/ps', ['-C', 'sleep', '--no-headers'])).stdout === '';
    });
  });

  it('serves pages with Apache inside, and two nodes do so at once on the same port', async () => {
    const [one, two] = await Promise.all([stand({ name: 'one' }), stand({ name: 'two' })]);
    for (const node of [one, two]) await node.writeFile('/var/www/html/index.html', `page of ${node.name}`);
    await Promise.all([startApache(one), startApache(two)]);
    for (const node of [one, two]) {
      expect(await requestHttp(node, { url: 'http://127.0.0.1/' })).toMatchObject({
        status: 200,
        body: `page of ${node.name}`,
      });
    }
    const modules = (await one.mustRun('/usr/sbin/apache2ctl', ['-M'])).stdout;
    for (const name of ['mpm_event', 'proxy_fcgi', 'ssl', 'rewrite']) expect(modules).toContain(`${name}_module`);
    await stopApache(one);
    expect(await requestHttp(one, { url: 'http://127.0.0.1/' })).toMatchObject({ kind: 'refused' });
    expect(await requestHttp(two, { url: 'http://127.0.0.1/' })).toMatchObject({ status: 200 });
  });

  it('shows files and folders of the machine where asked, read-only unless asked otherwise', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hauban-bind-'));
    await writeFile(join(folder, 'file'), 'of the machine');
    const binds = [
      { hostPath: process.execPath, nodePath: '/opt/runtime/node' },
      { hostPath: folder, nodePath: '/opt/read' },
      { hostPath: folder, nodePath: '/opt/write', writable: true },
    ];
    const node = await stand({ name: 'bound', binds });
    expect((await node.mustRun('/opt/runtime/node', ['--version'])).stdout).toBe(`${process.version}\n`);
    expect(await node.readFile('/opt/read/file')).toBe('of the machine');
    expect((await node.run('/usr/bin/touch', ['/opt/read/more'])).stderr).toContain('Read-only file system');
    await node.mustRun('/usr/bin/touch', ['/opt/write/more']);
    await node.destroy();
    expect(await readdir(folder)).toEqual(['file', 'more']);
    await rm(folder, { recursive: true });
  });

  it('has a disk of its own that can be full', async () => {
    const node = await stand({ name: 'full', sizeMiB: 8 });
    const result = await node.run('/usr/bin/dd', ['if=/dev/zero', 'of=/var/filler', 'bs=1M', 'count=16']);
    expect(result.stderr).toContain('No space left on device');
  });

  it('leaves no mount, namespace, folder or process when it is destroyed', async () => {
    const before = await describeLabTraces();
    const node = await createDisposableNode({ name: 'gone', peer: true });
    await startApache(node);
    await node.spawn('/usr/bin/sleep', ['600']);
    await node.peer?.spawn('/usr/bin/sleep', ['600']);
    const during = await describeLabTraces();
    expect(during.length).toBeGreaterThan(before.length);
    await node.destroy();
    expect(await describeLabTraces()).toEqual(before);
    expect(() => process.kill(node.pid, 0)).toThrow('ESRCH');
  });

  it('leaves nothing either when it cannot be made', async () => {
    const before = await describeLabTraces();
    const options = { name: 'broken', peer: true, binds: [{ hostPath: '/no/such/file', nodePath: '/opt/x' }] };
    await expect(createDisposableNode(options)).rejects.toThrow('/no/such/file');
    expect(await describeLabTraces()).toEqual(before);
  });

  it.each(['../up', 'Upper', 'a b', '', `n${'x'.repeat(40)}`])('refuses the name %j', async (name) => {
    await expect(createDisposableNode({ name })).rejects.toThrow('is no name for a part of the lab');
  });
});
