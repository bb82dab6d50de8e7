import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JoinTokenCreated, SessionPage } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFirstAccount, runOnNode, type RestClient } from '../../support/first-account.ts';
import { openShell } from '../../support/shell-viewer.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import { createLabNetwork, type LabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { installAgent, packageAgent, waitForNode } from './installed-agent.ts';
import { createLabController, type LabController } from './lab-controller.ts';

const lab = labRequirements();
const unitsFolder = join(findRepositoryFolder(), 'systemd');
const { figures } = JSON.parse(readFileSync(join(unitsFolder, 'security-figures.json'), 'utf8')) as {
  figures: Record<string, number>;
};
/** Bits of capability(7). */
const CAPABILITY = { SYS_MODULE: 16, SYS_RAWIO: 17, SYS_CHROOT: 18, SYS_BOOT: 22, SYS_TIME: 25, MKNOD: 27, BPF: 39 };
const NOBODY = { uid: 65_534, gid: 65_534 };
const CLIENT = `
const socket = require('node:net').connect('/run/hauban/executor.sock');
socket.on('error', (error) => process.stdout.write(error.code + ' '));
socket.on('data', () => process.stdout.write('answered '));
socket.on('close', () => process.stdout.write('closed'));
const body = Buffer.from(JSON.stringify({ t: 'sync' }));
const head = Buffer.alloc(5);
head.writeUInt32BE(body.length + 1, 0);
head[4] = 1;
socket.write(Buffer.concat([head, body]));
`;

describe.skipIf(!lab.ok)('the two processes of an installed agent', () => {
  let network: LabNetwork;
  let controller: LabController;
  let client: RestClient;
  let node: FullNode;
  let id = '';

  const statusOf = async (pid: string): Promise<ReadonlyMap<string, string>> => {
    const { stdout } = await node.mustRun('/usr/bin/cat', [`/proc/${pid}/status`]);
    const lines = stdout.split('\n').map((line) => line.split(':\t'));
    return new Map(lines.map(([name = '', value = '']) => [name, value.trim()]));
  };
  const mainPid = async (unit: string): Promise<string> =>
    (await node.systemctl('show', '--property=MainPID', '--value', unit)).stdout.trim();
  const stateOf = async (unit: string): Promise<string> => (await node.systemctl('is-active', unit)).stdout.trim();
  const ping = async (): Promise<void> => {
    const target = await runOnNode(client, id, 'node.ping', {});
    expect(target, JSON.stringify(target)).toMatchObject({ state: 'succeeded' });
  };

  beforeAll(async () => {
    const archive = await packageAgent();
    network = await createLabNetwork();
    [controller, node] = await Promise.all([createLabController(network), createFullNode({ name: 'box1', network })]);
    client = await makeFirstAccount(controller);
    const { token } = await client.call<JoinTokenCreated>('POST', '/api/join-tokens', { roles: ['web'] });
    await installAgent(node, archive, { linkUrl: controller.linkUrl, token });
    id = (await waitForNode(client, 'box1', 'up')).id;
    await ping();
  });
  afterAll(async () => {
    await node.destroy();
    await controller.destroy();
    await network.destroy();
  });

  it.each(Object.keys(figures))('%s is no less confined than was recorded', async (unit) => {
    const path = `/var/tmp/${unit}`;
    await node.writeFile(path, readFileSync(join(unitsFolder, unit), 'utf8'));
    const { stdout } = await node.mustRun('/usr/bin/systemd-analyze', [
      ...['security', '--offline=yes', '--no-pager', path],
    ]);
    const figure = Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(stdout)?.[1]);
    process.stderr.write(`systemd-analyze security: ${unit} ${figure}, recorded ${figures[unit]}\n`);
    expect(figure).toBeLessThanOrEqual(figures[unit] ?? Number.NaN);
  });

  it('a taken-over link process has no capability, no privilege and no way to get one', async () => {
    const status = await statusOf(await mainPid('hauban-link'));
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status.get(set), set).toBe('0000000000000000');
    expect(status.get('NoNewPrivs')).toBe('1');
    expect(status.get('Seccomp')).toBe('2');
    const uid = (await node.mustRun('/usr/bin/id', ['-u', 'hauban'])).stdout.trim();
    expect(Number(uid)).toBeGreaterThan(0);
    expect(status.get('Uid')?.split('\t')).toEqual([uid, uid, uid, uid]);
    const groups = (await node.mustRun('/usr/bin/id', ['-G', 'hauban'])).stdout.trim();
    expect(status.get('Groups')).toBe(groups);
  });

  it('a taken-over link process reads no key of the executor, not its journal, and writes no policy', async () => {
    const ids = await node.mustRun('/usr/bin/stat', ['--format=%u %g', '/var/lib/hauban/link']);
    const [uid = 0, gid = 0] = ids.stdout.trim().split(' ').map(Number);
    const key = await node.run('/usr/bin/cat', ['/var/lib/hauban/executor/receipt-key.json'], { as: { uid, gid } });
    expect(key).toMatchObject({ stdout: '', stderr: expect.stringContaining('Permission denied') });
    const journal = await node.run('/usr/bin/ls', ['/var/lib/hauban/executor/journal'], { as: { uid, gid } });
    expect(journal).toMatchObject({ stdout: '', stderr: expect.stringContaining('Permission denied') });
    for (const path of ['/etc/hauban/policy.toml', '/etc/hauban/trust.json', '/var/lib/hauban/executor/x'])
      expect((await node.run('/usr/bin/touch', [path], { as: { uid, gid } })).code, path).not.toBe(0);
  });

  it('the executor runs with new privileges off, a system call filter, and without the powers it has no use for', async () => {
    await ping();
    const pid = await mainPid('hauban-executor');
    const status = await statusOf(pid);
    expect(status.get('NoNewPrivs')).toBe('1');
    expect(status.get('Seccomp')).toBe('2');
    const bounding = BigInt(`0x${status.get('CapBnd') ?? 'f'}`);
    for (const [name, bit] of Object.entries(CAPABILITY))
      expect((bounding >> BigInt(bit)) & 1n, `CAP_${name}`).toBe(0n);
    const inside = ['--target', pid, '--mount', '--', '/usr/bin/touch'];
    for (const path of ['/usr/bin/x', '/boot/x', '/opt/hauban/agent/x', '/home/x', '/proc/sys/kernel/core_pattern']) {
      const tried = await node.run('/usr/bin/nsenter', [...inside, path]);
      expect(tried.stderr, path).toMatch(/Read-only file system|Permission denied/);
    }
  });

  it('nothing of the agent listens on the network', async () => {
    await ping();
    const { stdout } = await node.mustRun('/usr/bin/ss', ['-Hltunp']);
    expect(stdout).not.toContain('"node"');
    const unix = await node.mustRun('/usr/bin/ss', ['-Hlxp']);
    expect(unix.stdout).toContain('/run/hauban/executor.sock');
  });

  it('a local user who reaches the executor’s socket is refused by what the kernel says of him', async () => {
    // An administrator's mistake opens the way; only the peer's credentials are left.
    await node.mustRun('/usr/bin/chmod', ['0777', '/run/hauban', '/run/hauban/executor.sock']);
    try {
      const said = await node.mustRun('/usr/local/bin/node', ['-e', CLIENT], { as: NOBODY });
      expect(said.stdout).toMatch(/closed$/);
      expect(said.stdout).not.toContain('answered');
      await waitUntil('the refusal in the journal', async () =>
        /"uid":65534.*a connection to the executor was refused/.test(await node.journal('hauban-executor')),
      );
      // The same bytes from root are answered: it was the user and not the message.
      const root = await node.spawn('/usr/local/bin/node', ['-e', CLIENT]);
      await root.waitForOutput('answered', 20_000);
      await root.stop('SIGKILL');
    } finally {
      await node.mustRun('/usr/bin/chmod', ['0750', '/run/hauban']);
      await node.mustRun('/usr/bin/chmod', ['0660', '/run/hauban/executor.sock']);
    }
    await ping();
  });

  describe('a shell', () => {
    it('is a login of the machine itself: all capabilities, setuid programs, a unit of its own', async () => {
      const shell = await openShell(client, id, 'root');
      shell.type('grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; cat /proc/self/cgroup; echo en""d\r');
      const output = await shell.waitForOutput(/\nend/);
      const init = await statusOf('1');
      expect(output).toMatch(new RegExp(`CapBnd:\\s+${init.get('CapBnd')}`));
      expect(output).toMatch(/NoNewPrivs:\s+0/);
      expect(output).toMatch(new RegExp(`Seccomp:\\s+${init.get('Seccomp')}`));
      expect(output).toContain(`hauban-shell@${shell.sessionId}.service`);
      expect((await node.run('/usr/bin/find', ['/run/hauban/shells', '-name', '*.options'])).stdout).toBe('');
      shell.type('exit\r');
      await shell.waitForExit();
      shell.leave();
    });

    it('outlives a restart of the executor, and its recording is complete', async () => {
      const shell = await openShell(client, id, 'root');
      shell.type('echo before-$((40+2))\r');
      await shell.waitForOutput('before-42');
      const before = await mainPid('hauban-executor');
      await node.mustRun('/usr/bin/systemctl', ['restart', 'hauban-executor']);
      expect(await mainPid('hauban-executor')).not.toBe(before);
      shell.type('echo after-$((40+3))\r');
      await shell.waitForOutput('after-43');
      shell.type('exit 5\r');
      expect(await shell.waitForExit()).toMatchObject({ ending: 'exited', status: 5 });
      shell.leave();
      await waitUntil('the recording is complete', async () => {
        const { sessions } = await client.call<SessionPage>('GET', `/api/recordings?nodeId=${id}`);
        return sessions.some((session) => session.id === shell.sessionId && session.recording === 'complete');
      });
    });

    it('what somebody leaves running in the background, out of its session, ends with it', async () => {
      const shell = await openShell(client, id, 'root');
      shell.type('setsid -f sleep 98765; pgrep -fc "sleep 9876[5]"\r');
      await waitUntil('the background process', async () => {
        return (await node.run('/usr/bin/pgrep', ['-f', '^sleep 98765'])).code === 0;
      });
      shell.type('exit\r');
      await shell.waitForExit();
      shell.leave();
      await waitUntil('nothing of it is left', async () => {
        return (await node.run('/usr/bin/pgrep', ['-f', '^sleep 98765'])).code === 1;
      });
      await waitUntil('no unit is left', async () => {
        return (await node.systemctl('list-units', '--all', '--no-legend', 'hauban-shell@*')).stdout.trim() === '';
      });
    });
  });

  it('the executor leaves when there is nothing to do, and the next order starts it', async () => {
    await ping();
    expect(await stateOf('hauban-executor.service')).toBe('active');
    await waitUntil('it has left', async () => (await stateOf('hauban-executor.service')) === 'inactive', {
      timeoutMs: 150_000,
      intervalMs: 500,
    });
    expect(await stateOf('hauban-executor.socket')).toBe('active');
    await ping();
    expect(await stateOf('hauban-executor.service')).toBe('active');
  });
});
