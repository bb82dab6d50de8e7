import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InventoryReply, NodeDetail, NodePage, SessionPage, SetupState } from '@hauban/shared/api';
import { INVENTORY_SECTIONS } from '@hauban/shared/inventory';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../../packages/standalone/src/postgres/embedded-postgres.ts';
import {
  createRestClient,
  makeFirstAccount,
  RestRefusal,
  runOnNode,
  signInFirstAccount,
  spendSetupLink,
  type RestClient,
} from '../support/first-account.ts';
import { parseCast } from '../support/asciicast.ts';
import { watchNode } from '../support/live-watcher.ts';
import { argumentsOf, processesNaming, userOf } from '../support/processes.ts';
import { openShell } from '../support/shell-viewer.ts';
import { freePort, launchStandalone, PARTS, type Launched, type StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** The launcher as `npm start` runs it after the build. These tests run what is in `dist`: `node scripts/build.mjs` first. */
const home = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const isRoot = process.getuid?.() === 0;
/** What the issue promises after the end of the install. */
const READY_WITHIN_MS = 60_000;
/** Long enough for a PostgreSQL that has to write its checkpoint on a slow disk. */
const GONE_WITHIN_MS = 30_000;

const folders: string[] = [];
const launched: Launched[] = [];

/** Others may walk through it: PostgreSQL must not run as root. */
function newFolder(owner?: { readonly uid: number; readonly gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-npm-start-'));
  chmodSync(folder, 0o755);
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  folders.push(folder);
  return folder;
}

function launch(options: Omit<Parameters<typeof launchStandalone>[0], 'home'>): Launched {
  const started = launchStandalone({ home, ...options });
  launched.push(started);
  return started;
}

async function readyInTime(started: Launched): Promise<StandaloneStack> {
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not ready within ${READY_WITHIN_MS} ms:\n${started.output()}`)),
      READY_WITHIN_MS,
    );
    started.exited.finally(() => clearTimeout(timer)).catch((error: unknown) => void error);
    started.ready.finally(() => clearTimeout(timer)).catch((error: unknown) => void error);
  });
  return await Promise.race([started.ready, late]);
}

async function expectNothingLeft(dataDir: string): Promise<void> {
  try {
    await waitFor('the end of every process', () => processesNaming(dataDir).length === 0, {
      timeoutMs: GONE_WITHIN_MS,
    });
  } catch (cause) {
    const left = processesNaming(dataDir).map(({ pid, commandLine }) => `${pid} ${commandLine}`);
    throw new Error(`processes are left:\n${left.join('\n')}`, { cause });
  }
}

async function onlyNode(client: RestClient): Promise<NodeDetail> {
  const { nodes } = await client.call<NodePage>('GET', '/api/nodes');
  expect(nodes).toHaveLength(1);
  return await client.call<NodeDetail>('GET', `/api/nodes/${nodes[0]?.id ?? ''}`);
}

async function nodeUp(client: RestClient): Promise<NodeDetail> {
  return await waitFor('the node is up', async () => {
    const node = await onlyNode(client);
    return node.state === 'up' ? node : null;
  });
}

async function listenSomewhere(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((done, reject) => server.once('error', reject).listen(port, '127.0.0.1', done));
  return server;
}

/** What one that was refused printed on its way out, without its greeting. */
const sentencesOf = (output: string): string[] =>
  output.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('Hauban '));

/** The times at which the supervised parts ended, from their logs; each must have ended by itself with status 0. */
function endings(dataDir: string, names: readonly string[]): { readonly name: string; readonly at: string }[] {
  return names.map((name) => {
    const lines = readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8')
      .trim()
      .split('\n');
    const last = lines.filter((line) => / ended: /.test(line)).at(-1) ?? '';
    expect(last, `${name}: ${lines.slice(-3).join(' | ')}`).toMatch(/ended: exit 0$/);
    return { name, at: /^\[(.*?)\]/.exec(last)?.[1] ?? '' };
  });
}

afterAll(async () => {
  for (const { child, exited } of launched) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('npm start', () => {
  const dataDir = newFolder();
  let port = 0;
  let stack: StandaloneStack;
  let client: RestClient;
  let nodeId = '';
  let openSession = '';
  let openShellPid = 0;

  beforeAll(async () => {
    port = await freePort();
    const startedMs = performance.now();
    stack = await readyInTime(launch({ dataDir, port }));
    process.stderr.write(`npm start: ready after ${Math.round(performance.now() - startedMs)} ms (first start)\n`);
  }, READY_WITHIN_MS + 10_000);

  it('says where to go and what this node allows', () => {
    expect(stack.setupUrl).toMatch(new RegExp(`^http://localhost:${port}/setup\\?`));
    expect(stack.output()).toContain(`policy: ${join(dataDir, 'node/etc/policy.toml')}`);
    if (isRoot) expect(stack.output()).not.toContain('not as root');
  });

  it('refuses everything but the set-up before there is an account', async () => {
    const nobody = createRestClient(stack.url, 'none');
    await expect(nobody.call('GET', '/api/nodes')).rejects.toMatchObject({ status: 401 });
    expect(await (await fetch(`${stack.url}/api/setup`)).json()).toMatchObject({
      needed: true,
    } satisfies Partial<SetupState>);
    await expect(
      spendSetupLink({ url: stack.url, setupUrl: `${stack.url}/setup?token=guessed` }),
    ).rejects.toBeInstanceOf(RestRefusal);
  });

  it('makes the first account by the set-up link, once', async () => {
    await spendSetupLink(stack);
    client = await signInFirstAccount(stack.url);
    expect(await client.call('GET', '/api/me')).toMatchObject({ name: 'founder', role: 'owner' });
    await expect(spendSetupLink(stack)).rejects.toBeInstanceOf(RestRefusal);
    expect(await (await fetch(`${stack.url}/api/setup`)).json()).toMatchObject({ needed: false });
  });

  it('has enrolled this machine, which is up', async () => {
    const node = await nodeUp(client);
    nodeId = node.id;
    expect(node).toMatchObject({ hostName: readFileSync('/etc/hostname', 'utf8').trim(), isRoot, roles: ['web'] });
    expect(node.policyText).toContain('node.ping');
    expect(node.actions.map(({ name }) => name)).toContain('node.ping');
  });

  it('shows live metrics of it: one frame a second while somebody watches', async () => {
    const watcher = await watchNode(client, nodeId, ['cpu.*', 'mem.used_bytes', 'load.*']);
    const samples = await watcher.waitForSamples(4);
    watcher.close();
    const last = samples.at(-1);
    expect(last?.names).toContain('cpu.idle');
    const used = last?.values[last.names.indexOf('mem.used_bytes')] ?? 0;
    expect(used).toBeGreaterThan(10_000_000);
    const { figures } = await onlyNode(client);
    expect(figures.memoryUsedRatio).toBeGreaterThan(0);
    expect(figures.load1).not.toBeNull();
  });

  it('has its inventory', async () => {
    const inventory = await waitFor(
      'the inventory',
      async () => {
        const reply = await client.call<InventoryReply>('GET', `/api/nodes/${nodeId}/inventory`);
        return reply.sections.length >= Object.keys(INVENTORY_SECTIONS).length ? reply : null;
      },
      { timeoutMs: 60_000 },
    );
    const names = inventory.sections.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['hardware', 'os', 'disks', 'interfaces', 'packages', 'ports']));
  });

  it('plans and runs node.ping', async () => {
    const planned = await runOnNode(client, nodeId, 'node.ping', {}, { mode: 'plan' });
    expect(planned).toMatchObject({ state: 'unchanged', plan: { changes: [] } });
    const planHash = planned.plan?.hash ?? '';
    expect(await runOnNode(client, nodeId, 'node.ping', {}, { planHash })).toMatchObject({
      state: 'succeeded',
      code: null,
    });
    // What the policy file does not name is refused by the node itself.
    expect(
      await runOnNode(client, nodeId, 'account.create', { name: 'ab' }, {}).catch((error: unknown) => error),
    ).toBeInstanceOf(RestRefusal);
  });

  it('refuses a second copy on the same data folder in one sentence, while the first goes on', async () => {
    const second = launch({ dataDir, port: await freePort() });
    expect(await second.exited).toBe(1);
    expect(sentencesOf(second.output())).toEqual([
      `Another copy of Hauban uses the data folder ${dataDir}: stop it first, or choose another folder with HAUBAN_DATA.`,
    ]);
    expect(await runOnNode(client, nodeId, 'node.ping')).toMatchObject({ state: 'succeeded' });
    for (const part of PARTS) expect(stack.pid(part), part).not.toBeNull();
  });

  it('refuses a port in use in one sentence, and leaves nothing running', async () => {
    const own = newFolder();
    const other = launch({ dataDir: own, port });
    expect(await other.exited).toBe(1);
    expect(sentencesOf(other.output())).toEqual([
      `Port ${port} on 127.0.0.1 is in use by another program: stop it, or choose another port with HAUBAN_PORT.`,
    ]);
    await expectNothingLeft(own);
    const server = await listenSomewhere(await freePort());
    const { port: taken } = server.address() as { port: number };
    const stranger = launch({ dataDir: own, port: taken });
    expect(await stranger.exited).toBe(1);
    expect(stranger.output()).toContain(`Port ${taken} on 127.0.0.1 is in use`);
    server.close();
  });

  it('opens a shell as the user who started it', async () => {
    const shell = await openShell(client, nodeId);
    shell.type('echo "I am $(id -un) in $$"\r');
    const output = await shell.waitForOutput(/I am \S+ in \d+/);
    expect(output).toContain(`I am ${userInfo().username} in `);
    openSession = shell.sessionId;
    openShellPid = Number(/I am \S+ in (\d+)/.exec(output)?.[1]);
    expect(argumentsOf(openShellPid)).not.toEqual([]);
    shell.leave();
  });

  it('stops everything in order on SIGTERM, open shells too, with status 0 and no process left', async () => {
    expect(processesNaming(dataDir).length).toBeGreaterThanOrEqual(PARTS.length);
    expect(await stack.stop()).toBe(0);
    expect(stack.output()).toContain('Stopped. All data is kept.');
    expect(processesNaming(dataDir)).toEqual([]);
    expect(argumentsOf(openShellPid)).toEqual([]);
    const inOrder = endings(dataDir, ['link', 'executor', 'controller', 'signer']);
    expect(inOrder.map(({ at }) => at)).toEqual(inOrder.map(({ at }) => at).sort());
    expect(readFileSync(join(dataDir, 'postgres/postgres.log'), 'utf8').trim().split('\n').at(-1)).toContain(
      'database system is shut down',
    );
  });

  it('keeps all data: the same node and account, and no set-up link', async () => {
    const startedMs = performance.now();
    stack = await readyInTime(launch({ dataDir, port }));
    process.stderr.write(`npm start: ready after ${Math.round(performance.now() - startedMs)} ms (second start)\n`);
    expect(stack.setupUrl).toBeNull();
    expect(stack.output()).toContain(`Hauban is ready: http://localhost:${port}`);
    client = await signInFirstAccount(stack.url);
    expect((await nodeUp(client)).id).toBe(nodeId);
    expect(await runOnNode(client, nodeId, 'node.ping')).toMatchObject({ state: 'succeeded' });
    const recording = await waitFor('the recording of the shell that was open', async () => {
      const { sessions } = await client.call<SessionPage>('GET', '/api/recordings');
      return sessions.find(({ id, recording: state }) => id === openSession && state === 'complete') ?? null;
    });
    expect(recording.state).toBe('ended');
    expect(parseCast(await client.text(`/api/recordings/${openSession}/cast`)).output).toContain('I am ');
  });

  it('leaves no process after kill -9 of the launcher, and starts again', async () => {
    stack.launcher.kill('SIGKILL');
    await expectNothingLeft(dataDir);
    stack = await readyInTime(launch({ dataDir, port }));
    client = await signInFirstAccount(stack.url);
    expect((await nodeUp(client)).id).toBe(nodeId);
    expect(await runOnNode(client, nodeId, 'node.ping')).toMatchObject({ state: 'succeeded' });
    expect(await stack.stop()).toBe(0);
    await expectNothingLeft(dataDir);
  });
});

describe.skipIf(!isRoot)('npm start as an ordinary user (needs root to become one)', () => {
  /** The account that every Debian has. */
  const nobody = { uid: 65_534, gid: 65_534 };

  it('works, says which actions need root and refuses them', async () => {
    const dataDir = newFolder(nobody);
    const stack = await readyInTime(launch({ dataDir, port: await freePort(), as: nobody }));
    expect(stack.output()).toMatch(/Started as nobody, not as root\. .*refused: account, apache, .*firewall, /);
    for (const { pid, commandLine } of processesNaming(dataDir)) expect(userOf(pid), commandLine).toBe(nobody.uid);
    const client = await makeFirstAccount(stack);
    const node = await nodeUp(client);
    expect(node.isRoot).toBe(false);
    expect(await runOnNode(client, node.id, 'node.ping')).toMatchObject({ state: 'succeeded' });
    const refused = await runOnNode(client, node.id, 'firewall.ban', { targets: ['192.0.2.7'], durationS: 60 });
    expect(refused).toMatchObject({ state: 'refused', code: 'POLICY_DENIED' });
    expect(await stack.stop()).toBe(0);
    await expectNothingLeft(dataDir);
  });
});

describe('npm start with DATABASE_URL', () => {
  const running: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of running.splice(0)) await stop();
  });

  /** Twice, so that the second start finds what the first wrote into a database that is not the launcher's. */
  async function startTwice(databaseUrl: string): Promise<void> {
    const dataDir = newFolder();
    const port = await freePort();
    const first = await readyInTime(launch({ dataDir, port, env: { DATABASE_URL: databaseUrl } }));
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    const client = await makeFirstAccount(first);
    const node = await nodeUp(client);
    expect(await runOnNode(client, node.id, 'node.ping')).toMatchObject({ state: 'succeeded' });
    expect(await first.stop()).toBe(0);
    await expectNothingLeft(dataDir);
    const second = await readyInTime(launch({ dataDir, port, env: { DATABASE_URL: databaseUrl } }));
    expect((await nodeUp(await signInFirstAccount(second.url))).id).toBe(node.id);
    expect(await second.stop()).toBe(0);
  }

  it('uses an existing PostgreSQL and leaves it running', async () => {
    const server = await startEmbeddedPostgres({ dataDir: newFolder() });
    running.push(() => server.stop());
    await startTwice(server.url);
    const sql = postgres({ ...connectionOf(server.url), max: 1 });
    expect(await sql`SELECT count(*)::int AS n FROM node`).toEqual([{ n: 1 }]);
    await sql.end();
  });

  const debianBin = '/usr/lib/postgresql/15/bin';
  it.skipIf(!existsSync(join(debianBin, 'postgres')))(
    "uses Debian 12's PostgreSQL 15 (needs postgresql-15)",
    async () => {
      const server = await startDebianPostgres(debianBin);
      running.push(server.stop);
      await startTwice(server.url);
    },
  );

  it('refuses an address that no database answers at, in one sentence', async () => {
    const dataDir = newFolder();
    const url = `postgres://hauban@127.0.0.1:${await freePort()}/hauban`;
    const started = launch({ dataDir, port: await freePort(), env: { DATABASE_URL: url } });
    expect(await started.exited).toBe(1);
    expect(started.output()).not.toContain('    at ');
    await expectNothingLeft(dataDir);
  }, 120_000);
});

function connectionOf(url: string): { host: string; port: number; user: string; password: string; database: string } {
  const { searchParams, hostname, port, username, password, pathname } = new URL(url);
  return {
    host: searchParams.get('host') ?? hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  };
}

interface RunningServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

async function ended(child: ChildProcess): Promise<number | null> {
  return await new Promise((done, reject) => child.once('error', reject).once('exit', (code) => done(code)));
}

/** A cluster of Debian's PostgreSQL on a TCP port, as an administrator has one. */
async function startDebianPostgres(bin: string): Promise<RunningServer> {
  const account = isRoot ? { uid: 65_534, gid: 65_534 } : undefined;
  const dir = newFolder(account);
  const options = { cwd: '/', env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' }, stdio: 'ignore', ...account } as const;
  const cluster = join(dir, 'cluster');
  const made = spawn(join(bin, 'initdb'), ['-D', cluster, '-U', 'hauban', '--auth=trust', '-E', 'UTF8', '-N'], options);
  expect(await ended(made)).toBe(0);
  const port = await freePort();
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: dir };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(bin, 'postgres'), ['-D', cluster, ...args], options);
  const exited = ended(server);
  const address = { host: '127.0.0.1', port, user: 'hauban', database: 'postgres', max: 1, onnotice: () => undefined };
  await waitFor('PostgreSQL 15', async () => {
    const sql = postgres(address);
    const isThere = await sql`SELECT 1`.then(
      () => true,
      () => false,
    );
    await sql.end();
    return isThere;
  });
  const sql = postgres(address);
  await sql.unsafe('CREATE DATABASE hauban');
  await sql.end();
  return {
    url: `postgres://hauban@127.0.0.1:${port}/hauban`,
    stop: async () => {
      server.kill('SIGINT');
      await exited;
    },
  };
}
