import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type {
  AuditRow,
  DriftRow,
  NodeRow,
  PoolRow,
  PoolWorkRow,
  RunDetail,
  RunRow,
  SessionRow,
} from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_ACCOUNT, makeFirstAccount, type RestClient } from '../support/first-account.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';

const home = process.cwd();
const isRoot = process.getuid?.() === 0;
/** TEST-NET-2: an address that nobody has. */
const BANNED = `198.51.100.${1 + Math.floor(Math.random() * 254)}`;
const NFT = '/usr/sbin/nft';
const hasOurTable = (): boolean =>
  isRoot && execFileSync(NFT, ['list', 'tables'], { encoding: 'utf8' }).includes('table inet hauban');
const dropTable = (): void => void execFileSync(NFT, ['delete', 'table', 'inet', 'hauban']);

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command line as a person or a script starts it, against the whole product on this machine. */
describe('hauban, the command line', () => {
  let dataDir = '';
  let stack: StandaloneStack;
  let client: RestClient;
  const hadTable = hasOurTable();

  const hauban = async (args: readonly string[], input = ''): Promise<Ended> => {
    const child = spawn(process.execPath, [join(home, 'packages/cli/dist/main.js'), ...args], {
      env: { PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: join(dataDir, 'config') },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString('utf8')));
    child.stdin.end(input);
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { status, out, err };
  };
  const json = async <T>(args: readonly string[]): Promise<T> => {
    const ended = await hauban([...args, '--json']);
    expect(ended).toMatchObject({ status: 0 });
    return JSON.parse(ended.out) as T;
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-cli-'));
    chmodSync(dataDir, 0o755);
    stack = await startStandaloneStack(home, dataDir, await freePort());
    client = await makeFirstAccount(stack);
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
    if (!hadTable && hasOurTable()) dropTable();
  });

  it('says in one sentence what to do before the first sign-in, and that a password is wrong', async () => {
    expect(await hauban(['nodes'])).toMatchObject({
      status: 3,
      err: expect.stringContaining('hauban login') as string,
    });
    const wrong = await hauban(['login', stack.url, '--user', FIRST_ACCOUNT.name], 'not the password\n');
    expect(wrong).toMatchObject({ status: 3, err: expect.stringContaining('not right') as string });
  });

  it('signs in, lists nodes and shows one', async () => {
    expect(
      await hauban(['login', stack.url, '--user', FIRST_ACCOUNT.name], `${FIRST_ACCOUNT.password}\n`),
    ).toMatchObject({ status: 0 });
    const nodes = await json<NodeRow[]>(['nodes']);
    expect(nodes).toMatchObject([{ hostName: hostname(), state: 'up' }]);
    expect((await hauban(['nodes'])).out).toContain(hostname());
    expect((await hauban(['node', 'show', hostname()])).out).toContain('agent');
    expect(await hauban(['node', 'show', 'no-such-node'])).toMatchObject({ status: 4 });
  });

  it('plans and runs an action, and gives refusals their exit status', async () => {
    const run = await json<RunDetail>(['run', 'node.ping', '--on', hostname(), '--yes', '--why', 'a test']);
    expect(run.targets).toMatchObject([{ state: 'succeeded' }]);
    expect(await hauban(['run', 'node.ping', '--on', hostname(), '--nonsense', '1'])).toMatchObject({ status: 2 });
    expect(await hauban(['plan', 'no.such-action', '--on', hostname()])).toMatchObject({ status: 4 });
    const unsafe = await hauban(['plan', 'firewall.ban', '--on', hostname(), '--targets', '0.0.0.0/0; reboot']);
    expect(unsafe.status).not.toBe(0);
    expect(`${unsafe.out}${unsafe.err}`).toMatch(/target/i);
  });

  it('KEYS25 has a node replace its receipt key: its receipt is by the new one, and the audit log holds the hand-over', async () => {
    const run = await json<RunDetail>(['node', 'rotate-receipt-key', hostname(), '--reason', 'it was read']);
    expect(run.targets).toMatchObject([{ state: 'succeeded' }]);
    const rows = await json<AuditRow[]>(['audit', '--limit', '100']);
    expect(rows.find(({ code }) => code === 'A2051I')?.detail).toMatchObject({ version: 2, step: {} });
    expect(await hauban(['node', 'rotate-receipt-key', 'no-such-node'])).toMatchObject({ status: 4 });
  });

  it('goes over the nodes that a selector means, in waves, and shows its plan as one', async () => {
    const on = `name=${hostname()}`;
    const options = ['--canary', '1', '--waves', '10%', '--pause', '0s', '--max-failures', '5%', '--concurrency', '2'];
    const run = await json<RunDetail>(['run', 'node.ping', '--on', on, ...options, '--yes', '--why', 'waves of one']);
    expect(run).toMatchObject({
      on,
      state: 'finished',
      rollout: { waves: [1], hasCanary: true, maxInFlight: 2, pauseMs: 0 },
      counts: { succeeded: 1 },
    });
    expect(await hauban(['run', 'node.ping', '--on', on, '--plan'])).toMatchObject({
      status: 0,
      out: expect.stringContaining('1 node: nothing to do') as string,
    });
    expect(await hauban(['run', 'node.ping', '--on', 'name=no-such-node', '--yes'])).toMatchObject({ status: 4 });
    expect(await hauban(['run', 'node.ping', '--on', 'role =', '--yes'])).toMatchObject({ status: 2 });
    expect(await hauban(['run', 'node.ping', '--on', on, '--waves', 'some', '--yes'])).toMatchObject({ status: 2 });
  });

  it('the line that is in the help is understood as it stands, by people and by programs', async () => {
    const help = (await hauban(['run', '--help'])).out;
    const line = /Example: hauban (run .*)/.exec(help)?.[1] ?? '';
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    expect(words).toEqual(
      expect.arrayContaining(['php.switch-version', 'role=web', '--account', '--canary', '10%']) as string[],
    );
    const plan = await hauban([...words, '--plan', '--json']);
    // There is no such account here: what the node says is what the command ends with.
    expect(plan.status).toBe(5);
    expect(JSON.parse(plan.out)).toMatchObject({ nodeCount: 1, plan: { groups: [{ kind: 'refused', count: 1 }] } });
    const done = await hauban([...words, '--yes']);
    expect(done.status).toBe(5);
    expect(done.out).toContain('refused');
  });

  it.each([
    ['--waves', '0%', '--waves takes a number of nodes or a share'],
    ['--canary', '-1', '--canary takes a whole number'],
    ['--start-within', 'soon', '--start-within takes a time'],
    ['--max-failures', '120%', '--max-failures takes a number of nodes or a share'],
    ['--on-failure', 'panic', '--on-failure takes stop or undo'],
    ['--on', 'role=', '--on:'],
    ['--no-such', 'x', 'is not an argument of node.ping'],
  ])('%s %s is told in one sentence, and nothing is asked or done', async (option, value, says) => {
    for (const more of [['--plan'], ['--yes']]) {
      const ended = await hauban(['run', 'node.ping', '--on', 'all', `${option}=${value}`, ...more]);
      expect(ended).toMatchObject({ status: 2, out: '', err: expect.stringContaining(says) as string });
      expect(ended.err.trim().split('\n')).toHaveLength(1);
    }
  });

  it('says why an address is banned, and where', async () => {
    const address = '203.0.113.7';
    const isRoot = process.getuid?.() === 0;
    // As an ordinary user the node may not look: then nobody is told that all is well.
    const found = await hauban(['ban', 'why', `::ffff:${address}`]);
    expect(found.out).toContain(isRoot ? `No ban of ` : 'Could not say all');
    const asJson = await hauban(['ban', 'why', address, '--json']);
    expect(JSON.parse(asJson.out)).toMatchObject({ address, found: [], away: [], open: [] });
    const lifted = await hauban(['ban', 'lift', address, '--yes', '--json']);
    expect(JSON.parse(lifted.out)).toMatchObject({ found: [] });
    expect(await hauban(['ban', 'why', '010.1.1.1'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('010.1.1.1 is no address') as string,
    });
    expect(await hauban(['ban', 'why', address, '--on', 'label.nobody=x'])).toMatchObject({ status: 4 });
  });

  it('reads a ban list from standard input, and sends nothing of one with a bad line', async () => {
    await hauban(['ban', 'list', 'make', 'piped']);
    const add = ['ban', 'list', 'add', 'piped', '--from', '-', '--yes'];
    const bad = await hauban(add, `${BANNED}\n# remark\n198.51.100.256\n`);
    expect(bad).toMatchObject({
      status: 2,
      err: expect.stringMatching(/line 3: 198\.51\.100\.256 is no address/) as string,
    });
    expect(await hauban(add, `${BANNED} # guessed\n\n198.51.100.0/28\n`)).toMatchObject({ status: 0 });
    const entries = await json<{ target: string }[]>(['ban', 'list', 'show', 'piped']);
    expect(entries.map(({ target }) => target).toSorted()).toEqual([BANNED, '198.51.100.0/28'].toSorted());
    const again = await hauban(add, `198.51.100.0/28\n${BANNED}`);
    expect(again).toMatchObject({ status: 0, out: expect.stringContaining('0 added') as string });
    expect(await hauban(['ban', 'list', 'delete', 'piped', '--yes'])).toMatchObject({ status: 0 });
  });

  it('finds past runs, shows one, and says why one that is over cannot be changed', async () => {
    const [run] = await json<RunRow[]>(['runs', 'list', '--search', 'waves of one']);
    expect(run).toMatchObject({ action: 'node.ping', mode: 'apply', reason: 'waves of one' });
    const id = run?.id ?? '';
    expect((await hauban(['runs'])).out).toContain(id);
    expect((await hauban(['runs', 'show', id.slice(0, 13)])).out).toContain(`${hostname()}: succeeded`);
    expect(await hauban(['runs', 'watch', id])).toMatchObject({ status: 0 });
    for (const verb of ['cancel', 'pause', 'resume'])
      expect(await hauban(['runs', verb, id])).toMatchObject({ status: 5 });
    expect(await hauban(['runs', 'retry', id])).toMatchObject({
      status: 5,
      err: expect.stringContaining('nothing to try again') as string,
    });
    expect(await hauban(['runs', 'show', 'ffffffff'])).toMatchObject({ status: 4 });
  });

  it.skipIf(!isRoot)('shows how a pool differs, puts it right, adopts, and brings all of it', async () => {
    expect(await hauban(['pool'])).toMatchObject({ status: 0, out: expect.stringContaining('no pool') as string });
    const pool = await client.call<PoolRow>('POST', '/api/pools', { name: 'web-main', on: `name=${hostname()}` });
    const args = { targets: [BANNED], permanent: true };
    await client.call('POST', `/api/pools/${pool.id}/items`, { action: 'firewall.ban', args });
    expect(await json<PoolRow[]>(['pool', 'list'])).toMatchObject([{ name: 'web-main', itemCount: 1, memberCount: 1 }]);
    const drift = await hauban(['pool', 'drift', 'web-main', '--now']);
    expect(drift.out).toMatch(new RegExp(`differs; since .*[^]*\\+ ${BANNED.replaceAll('.', '\\.')} until lifted`));
    expect(await hauban(['pool', 'repair', 'web-main'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('--yes') as string,
    });
    expect(await hauban(['pool', 'repair', 'web-main', '--yes', '--why', 'it was lost'])).toMatchObject({
      status: 0,
      out: expect.stringContaining('As wished: 1 wish put right.') as string,
    });
    expect(hasOurTable()).toBe(true);
    dropTable();
    const [row] = await json<DriftRow[]>(['pool', 'drift', 'web-main', '--now', '--on', hostname()]);
    const name = row?.hash.slice(0, 12) ?? '';
    expect(await hauban(['pool', 'adopt', 'web-main', 'ffffffffffff', '--yes'])).toMatchObject({ status: 4 });
    expect(await hauban(['pool', 'adopt', 'web-main', name, '--yes'])).toMatchObject({ status: 0 });
    expect((await hauban(['pool', 'drift', 'web-main'])).out).toContain('1 adopted difference not shown');
    expect((await hauban(['pool', 'repair', 'web-main', '--yes'])).out).toContain('Nothing is to be put right.');
    const [work] = await json<PoolWorkRow[]>(['pool', 'join', 'web-main', hostname(), '--yes']);
    expect(work).toMatchObject({ kind: 'join', isWell: true, done: 0 });
    expect((await hauban(['pool', 'show', 'web-main'])).out).toMatch(/1 adopted/);
    expect(await hauban(['pool', 'join', 'web-main', 'no-such-node', '--yes'])).toMatchObject({ status: 4 });
    expect(await hauban(['pool', 'show', 'no-such-pool'])).toMatchObject({ status: 4 });
  });

  it('opens a recorded shell, gives its exit status, and exports the recording', async () => {
    const shell = await hauban(
      ['shell', hostname(), '--user', userInfo().username],
      'echo "from the $((40+2)) shell"; exit 7\n',
    );
    expect(shell.out).toContain('from the 42 shell');
    expect(shell.status).toBe(7);
    await expect
      .poll(async () => (await json<SessionRow[]>(['recordings']))[0]?.recording, { timeout: 20_000 })
      .toBe('complete');
    const [session] = await json<SessionRow[]>(['recordings']);
    const file = join(dataDir, 'exported.cast');
    expect(await hauban(['recordings', 'export', session?.id ?? '', '-o', file])).toMatchObject({ status: 0 });
    const [header, ...events] = readFileSync(file, 'utf8').trim().split('\n');
    expect(JSON.parse(header ?? '')).toMatchObject({ version: 3 });
    const output = events
      .map((line) => JSON.parse(line) as [number, string, string])
      .filter(([, kind]) => kind === 'o');
    expect(output.map(([, , text]) => text).join('')).toContain('from the 42 shell');
  });

  it('shows the audit log and completes words for a shell', async () => {
    const rows = await json<AuditRow[]>(['audit', '--limit', '100']);
    expect(rows.map((row) => row.code)).toEqual(
      expect.arrayContaining(['A1000I', 'A2010I', 'A3001I', 'A4001I', 'A4010I']),
    );
    expect((await hauban(['completion', 'bash'])).out).toContain('complete -F');
    expect((await hauban(['complete', '--', 'no'])).out.split('\n')).toContain('nodes');
    expect((await hauban(['complete', '--', 'plan', 'fire'])).out).toContain('firewall.ban');
    expect((await hauban(['complete', '--', 'plan', 'node.ping', '--on', ''])).out).toContain(hostname());
  });
});
