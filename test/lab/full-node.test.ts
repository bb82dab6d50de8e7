import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFullNode, type FullNode } from './full-node.ts';
import { requestHttp } from './http-request.ts';
import { createLabNetwork, type LabNetwork } from './lab-network.ts';
import { describeLabTraces } from './lab-traces.ts';
import { isStopped, signalProcess } from './process-tree.ts';
import { waitUntil } from './program.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();

describe.skipIf(!lab.ok)('full nodes', () => {
  let before: string[] = [];
  let network: LabNetwork;
  let one: FullNode;
  let two: FullNode;

  beforeAll(async () => {
    before = await describeLabTraces();
    network = await createLabNetwork();
    [one, two] = await Promise.all([
      createFullNode({ name: 'web1', network, phpRoots: ['8.4', '7.4'] }),
      createFullNode({ name: 'web2', network }),
    ]);
    for (const node of [one, two]) {
      process.stderr.write(`lab: full node ${node.name} ready after ${Math.round(node.readyAfterMs())} ms\n`);
    }
  });
  afterAll(async () => {
    await Promise.all([one.destroy(), two.destroy()]);
    await network.destroy();
    expect(await describeLabTraces()).toEqual(before);
  });

  it('boots systemd as process 1 with nothing failed', async () => {
    for (const node of [one, two]) {
      expect((await node.mustRun('/usr/bin/readlink', ['/proc/1/exe'])).stdout).toMatch(/\/systemd\n$/);
      expect((await node.systemctl('--failed', '--no-legend')).stdout).toBe('');
      expect((await node.mustRun('/usr/bin/hostname')).stdout).toBe(`${node.name}\n`);
    }
    expect(await one.readFile('/etc/machine-id')).not.toBe(await two.readFile('/etc/machine-id'));
    expect((await one.mustRun('/usr/local/bin/node', ['--version'])).stdout).toBe(`${process.version}\n`);
  });

  it('starts and stops Apache by systemctl, and serves to the lab', async () => {
    const url = `http://${one.address}/`;
    await one.systemctl('stop', 'apache2');
    expect(await requestHttp(network, { url })).toMatchObject({ kind: 'refused' });
    await one.writeFile('/var/www/html/index.html', 'page of web1');
    expect(await one.systemctl('start', 'apache2')).toMatchObject({ code: 0 });
    expect(await requestHttp(network, { url })).toMatchObject({ status: 200, body: 'page of web1' });
    expect(await requestHttp(network, { url: `http://[${one.address6}]/` })).toMatchObject({ status: 200 });
    expect(await requestHttp(two, { url })).toMatchObject({ status: 200, body: 'page of web1' });
    expect(await one.journal('apache2')).toContain('Started apache2.service');
  });

  it('goes on with a program that was stopped, as every one is while a system goes down', async () => {
    const running = await one.spawn('/usr/bin/sleep', ['600']);
    const inside = await waitUntil('sleep', () => running.programPid());
    signalProcess(inside, 'SIGSTOP');
    await waitUntil('both stopped', () => isStopped(inside));
    await waitUntil('both going on', () => !isStopped(inside) && !isStopped(running.pid));
    expect(await running.stop()).toMatchObject({ timedOut: false });
  });

  it("keeps each node's services to itself", async () => {
    await one.mustRun('/usr/bin/systemctl', ['restart', 'php8.2-fpm']);
    const pids = await Promise.all(
      [one, two].map(async (node) => (await node.systemctl('show', '--property=MainPID', 'php8.2-fpm')).stdout),
    );
    await one.systemctl('stop', 'php8.2-fpm');
    expect((await two.systemctl('is-active', 'php8.2-fpm')).stdout).toBe('active\n');
    expect((await two.systemctl('show', '--property=MainPID', 'php8.2-fpm')).stdout).toBe(pids[1]);
    expect((await one.systemctl('is-active', 'php8.2-fpm')).stdout).toBe('inactive\n');
  });

  it('reach each other through the bridge, over IPv4 and IPv6', async () => {
    await one.mustRun('/usr/bin/ping', ['-c', '1', '-W', '5', two.address]);
    await two.mustRun('/usr/bin/ping', ['-c', '1', '-W', '5', one.address6]);
  });

  it('reach a program that listens in the lab', async () => {
    const listen =
      "require('node:net').createServer(s => s.end('hello ' + s.remoteAddress)).listen(4400, '10.213.0.1', () => console.log('listening'))";
    const server = await network.spawn(process.execPath, ['--eval', listen]);
    await server.waitForOutput('listening');
    const dial = "require('node:net').connect(4400, '10.213.0.1').pipe(process.stdout)";
    expect((await two.mustRun('/usr/local/bin/node', ['--eval', dial])).stdout).toBe(`hello ${two.address}`);
    await server.stop();
  });

  it('have the other PHP versions where the product looks for them, and each node its own copy', async () => {
    const version = async (number: string): Promise<string> => {
      const root = `/opt/hauban/php/${number}`;
      return (await one.mustRun('/usr/sbin/chroot', [root, `/usr/sbin/php-fpm${number}`, '--version'])).stdout;
    };
    expect(await version('8.4')).toMatch(/^PHP 8\.4\./);
    expect(await version('7.4')).toMatch(/^PHP 7\.4\./);
    expect((await one.mustRun('/usr/sbin/php-fpm8.2', ['--version'])).stdout).toMatch(/^PHP 8\.2\./);
    expect(await two.exists('/opt/hauban/php/8.4/usr/sbin/php-fpm8.4')).toBe(false);
  });

  it('take folders of this machine, as an installation does', async () => {
    const source = fileURLToPath(new URL('.', import.meta.url));
    await one.copyIn(source, '/opt/hauban/copied');
    expect(await one.readFile('/opt/hauban/copied/full-node.test.ts')).toBe(
      await readFile(`${source}/full-node.test.ts`, 'utf8'),
    );
    expect((await one.mustRun('/usr/bin/ls', ['/opt/hauban/copied'])).stdout).toContain('index.ts');
  });

  it("runs services in systemd's own sandboxes", async () => {
    const properties = [
      'PrivateTmp=yes',
      'ProtectSystem=strict',
      'PrivateDevices=yes',
      'DynamicUser=yes',
      'TemporaryFileSystem=/srv:ro',
    ];
    const options = properties.map((property) => `--property=${property}`);
    const result = await one.mustRun('/usr/bin/systemd-run', [
      '--wait',
      '--pipe',
      '--quiet',
      ...options,
      '/usr/bin/id',
      '--user',
    ]);
    expect(Number(result.stdout)).toBeGreaterThan(1_000);
  });

  it('lose the others when the cable is pulled, and find them again', async () => {
    await two.setLink('down');
    expect((await one.run('/usr/bin/ping', ['-c', '1', '-W', '1', two.address])).code).toBe(1);
    await two.setLink('up');
    await waitUntil(
      'the link',
      async () => (await one.run('/usr/bin/ping', ['-c', '1', '-W', '1', two.address])).code === 0,
    );
  });

  it.each(['powerOff', 'kill'] as const)('keeps files but not memory over %s and boot', async (end) => {
    await two.writeFile('/var/lib/kept', end);
    await two.writeFile('/run/lost', end);
    await two.mustRun('/usr/sbin/nft', ['add', 'table', 'inet', 'lost']);
    const identity = await two.readFile('/etc/machine-id');
    await two[end]();
    expect(two.leaderPid()).toBeNull();
    expect(await requestHttp(network, { url: `http://${two.address}/`, timeoutMs: 300 })).not.toMatchObject({
      kind: 'response',
    });
    expect(await two.readFile('/var/lib/kept')).toBe(end);
    await expect(async () => two.run('/usr/bin/true')).rejects.toThrow('web2 is off');
    await two.boot();
    expect(await two.readFile('/var/lib/kept')).toBe(end);
    expect(await two.exists('/run/lost')).toBe(false);
    expect((await two.mustRun('/usr/sbin/nft', ['list', 'tables'])).stdout).toBe('');
    expect(await two.readFile('/etc/machine-id')).toBe(identity);
    expect(await requestHttp(network, { url: `http://${two.address}/` })).toMatchObject({ status: 200 });
  });

  it('leaves nothing when it is destroyed, on or off', async () => {
    const early = await describeLabTraces();
    const gone = await createFullNode({ name: 'gone', network });
    await gone.destroy();
    expect(await describeLabTraces()).toEqual(early);
    const off = await createFullNode({ name: 'off', network });
    await off.kill();
    await off.destroy();
    expect(await describeLabTraces()).toEqual(early);
  });

  it('says why when a node cannot start', async () => {
    const early = await describeLabTraces();
    // Something that is no program lies where systemd should be.
    const binds = [{ hostPath: '/etc/hostname', nodePath: '/usr/lib/systemd/systemd' }];
    await expect(createFullNode({ name: 'broken', network, binds })).rejects.toThrow('broken did not start');
    expect(await describeLabTraces()).toEqual(early);
  });
});
