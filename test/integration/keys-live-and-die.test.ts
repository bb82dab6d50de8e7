import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadKeyPair } from '@hauban/link';
import type { AuditPage, NodePage, RunTarget } from '@hauban/shared/api';
import { ROOT } from '../arch/source-tree.ts';
import { FakeController } from '../support/fake-controller.ts';
import { createControllerState } from '../support/fake-services.ts';
import { makeFirstAccount, runOnNode, signInFirstAccount, type RestClient } from '../support/first-account.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres-database.ts';
import { freePort, launchStandalone, type Launched, type StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** The built programs as they are installed: controller, signer, link process, executor, each a process of its own. */
const run = promisify(execFile);
const CONTROLLER = join(ROOT, 'packages/controller/dist/main.js');
const AGENT = join(ROOT, 'packages/agent/dist/bundle/main.js');
const LAUNCHER = join(ROOT, 'packages/standalone/dist/main.js');

let folder: string;
let port: number;
let launched: Launched | null = null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hk-'));
  // The user that PostgreSQL runs as must be able to walk in.
  execFileSync('/bin/chmod', ['755', folder]);
  port = await freePort();
  writeFileSync(join(folder, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 });
});
afterEach(async () => {
  launched?.child.kill('SIGTERM');
  await launched?.exited;
  launched = null;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One copy of the product in a data folder of its own. */
interface Place {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
}

async function start({ dataDir, env }: Place, args: readonly string[] = []): Promise<StandaloneStack> {
  launched = launchStandalone({ home: ROOT, dataDir, port, args, env });
  return await launched.ready;
}

async function stop(): Promise<void> {
  launched?.child.kill('SIGTERM');
  expect(await launched?.exited).toBe(0);
  launched = null;
}

const linkLog = ({ dataDir }: Place): string => readFileSync(join(dataDir, 'logs/link.log'), 'utf8');
const upCount = (place: Place): number => linkLog(place).split('the link is up').length - 1;

/** A command of the controller as root runs it beside the one that serves. */
async function command({ dataDir, env }: Place, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [CONTROLLER, ...args], {
    cwd: '/',
    env: {
      ...env,
      HAUBAN_LISTEN: `127.0.0.1:${port}`,
      HAUBAN_PUBLIC_URL: `http://localhost:${port}`,
      HAUBAN_SIGNER_SOCKET: join(runDirOf(dataDir), 'signer.sock'),
      HAUBAN_CONTROLLER_DIR: join(dataDir, 'controller'),
      HAUBAN_SIGNER_DIR: join(dataDir, 'signer'),
      HAUBAN_BACKUP_PASSPHRASE_FILE: join(folder, 'passphrase'),
    },
  });
  return stdout;
}
/** Short enough here to lie beside the data. */
const runDirOf = (dataDir: string): string => join(dataDir, 'run');

async function onlyNode(client: RestClient): Promise<string> {
  const node = await waitFor('the node to be up', async () => {
    const { nodes } = await client.call<NodePage>('GET', '/api/nodes');
    expect(nodes).toHaveLength(1);
    return nodes[0]?.state === 'up' ? nodes[0] : null;
  });
  return node.id;
}

const ping = async (client: RestClient): Promise<RunTarget> =>
  await runOnNode(client, await onlyNode(client), 'node.ping', {}, { startWithinMs: 120_000 });
const rotateReceiptKey = async (client: RestClient): Promise<RunTarget> =>
  await runOnNode(client, await onlyNode(client), 'node.rotate-receipt-key', {}, { startWithinMs: 120_000 });
const codes = async (client: RestClient, code: string): Promise<number> =>
  (await client.call<AuditPage>('GET', `/api/audit?code=${code}&limit=1000`)).rows.length;

describe('keys of a running product', { timeout: 400_000 }, () => {
  let database: TestDatabase;
  let place: Place;
  beforeAll(async () => {
    database = await createTestDatabase();
    place = { dataDir: join(folder, 'own'), env: { DATABASE_URL: database.url } };
  });
  afterAll(() => database.drop());

  it('KEYS19 KEYS21 KEYS22 rotate-link-key beside a controller that runs: the link stays and comes back, and the old key, stolen, is refused', async () => {
    const stack = await start(place);
    const client = await makeFirstAccount(stack);
    expect((await ping(client)).state).toBe('succeeded');
    const stolen = loadKeyPair(join(place.dataDir, 'controller/link-key.json'));
    if (stolen === null) throw new Error('there is no link key');
    const links = upCount(place);
    expect(await command(place, 'rotate-link-key', '--overlap-hours', '0')).toContain('Link key 2 is in force');
    const keysFile = join(place.dataDir, 'node/link/controller-keys.json');
    await waitFor('the node to have the step', () => existsSync(keysFile));
    // The link that was up has not been touched, and orders go through.
    expect(upCount(place)).toBe(links);
    expect((await ping(client)).state).toBe('succeeded');
    await stop();
    await start(place);
    expect((await ping(client)).state).toBe('succeeded');
    expect(loadKeyPair(join(place.dataDir, 'controller/link-key.json'))?.publicText).not.toBe(stolen.publicText);
    await stop();
    await expectRefused(stolen);
  });

  /** A controller with the old key, at an address to which the node was led. */
  async function expectRefused(key: NonNullable<ReturnType<typeof loadKeyPair>>): Promise<void> {
    const copy = join(folder, 'led-astray');
    cpSync(join(place.dataDir, 'node'), copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const trustFile = join(copy, 'etc/trust.json');
    const trust = JSON.parse(readFileSync(trustFile, 'utf8')) as { controllerId: string; nodeId: string };
    const state = { ...createControllerState(), identity: { controllerId: trust.controllerId, key } };
    const thief = await FakeController.start({ state });
    state.nodes.set(trust.nodeId, {
      ...state.nodes.get(thief.addNode(loadKeyPair(join(copy, 'link/link-key.json'))?.publicText ?? ''))!,
    });
    writeFileSync(trustFile, JSON.stringify({ ...trust, url: thief.url }));
    const child = spawn(process.execPath, [AGENT, 'link', '--root', copy], {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    try {
      await waitFor('the refusal', () => said.includes('a link key that was replaced, and its time is over'));
      expect(thief.told.ready).toEqual([]);
    } finally {
      child.kill('SIGKILL');
      await waitFor('its end', () => child.exitCode !== null || child.signalCode !== null);
      await thief.stop();
    }
  }

  it('KEYS11 KEYS12 KEYS28 backup and restore as processes: the node comes back to what is a backup old, with keys that were replaced since, and takes orders', async () => {
    await start(place);
    const client = await signInFirstAccount(`http://localhost:${port}`);
    expect((await rotateReceiptKey(client)).state).toBe('succeeded');
    const file = join(folder, 'own.backup');
    expect(await command(place, 'backup', file)).toContain('Keep it, and the passphrase');
    // What the backup does not know: links, an order, and three receipt keys.
    const later = await rotateReceiptKey(client);
    expect(later.state).toBe('succeeded');
    for (let i = 0; i < 2; i += 1) expect((await rotateReceiptKey(client)).state).toBe('succeeded');
    await stop();
    await start(place);
    await onlyNode(client);
    await stop();
    await database.drop();
    database = await createTestDatabase();
    const lost = join(folder, 'own-controller-lost');
    cpSync(join(place.dataDir, 'controller'), lost, { recursive: true });
    for (const name of ['controller', 'signer']) rmSync(join(place.dataDir, name), { recursive: true });
    place = { ...place, env: { DATABASE_URL: database.url } };
    expect(await command(place, 'restore', file)).toContain('is back');
    await start(place);
    // The API token is in the backup too.
    expect((await ping(client)).state).toBe('succeeded');
    expect(await codes(client, 'A5010W')).toBe(1);
    // One from before the backup, three that the node has told since.
    expect(await codes(client, 'A2051I')).toBe(4);
    expect((await rotateReceiptKey(client)).state).toBe('succeeded');
    await stop();
    expect(readdirSync(lost)).toContain('link-key.json');
  });
});

describe('the embedded database of npm start', { timeout: 400_000 }, () => {
  const launcher = async (place: Place, ...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [LAUNCHER, ...args], {
      cwd: '/',
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/',
        HAUBAN_DATA: place.dataDir,
        HAUBAN_PORT: String(port),
        ...place.env,
      },
    });
    return stdout;
  };

  it('KEYS12 is backed up while it runs and put back into an empty place: the node comes back and takes orders', async () => {
    const env = { HAUBAN_BACKUP_PASSPHRASE_FILE: join(folder, 'passphrase') };
    const place: Place = { dataDir: join(folder, 'data'), env };
    const file = join(folder, 'embedded.backup');
    await expect(launcher(place, '--backup', file)).rejects.toThrow(/No PostgreSQL runs in/);
    const client = await makeFirstAccount(await start(place));
    expect((await ping(client)).state).toBe('succeeded');
    expect(await launcher(place, '--backup', file)).toContain('Keep it, and the passphrase');
    expect((await rotateReceiptKey(client)).state).toBe('succeeded');
    await stop();
    for (const name of ['postgres', 'controller', 'signer']) rmSync(join(place.dataDir, name), { recursive: true });
    await start(place, ['--restore', file]);
    expect((await ping(client)).state).toBe('succeeded');
    expect((await rotateReceiptKey(client)).state).toBe('succeeded');
    await stop();
    // From then on as ever.
    await start(place);
    expect((await ping(client)).state).toBe('succeeded');
  });

  it('what it is asked for and does not know is one sentence', async () => {
    const place: Place = { dataDir: join(folder, 'none'), env: {} };
    await expect(launcher(place, '--bakcup', 'x')).rejects.toThrow(/--backup FILE, --restore FILE and --after-restore/);
  });
});
