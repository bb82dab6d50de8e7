import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InviteMade, NodePage, Offboarded, RunDetail, TokenCreated } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRestClient, FIRST_ACCOUNT, makeFirstAccount, type RestClient } from '../support/first-account.ts';
import { argumentsOf, childrenOf, processesNaming } from '../support/processes.ts';
import { openShell, type ShellViewer } from '../support/shell-viewer.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';

const home = process.cwd();
/** `HAUBAN_REDTEAM=full` opens 50. */
const SHELLS = process.env['HAUBAN_REDTEAM'] === 'full' ? 50 : 10;
const PASSWORD = 'a leaver has a password too';

/** Everything below these processes, themselves included, that is alive. */
function tree(pids: readonly number[]): number[] {
  return pids.filter((pid) => argumentsOf(pid).length > 0).flatMap((pid) => [pid, ...tree(childrenOf(pid))]);
}

/** Everything that was started in this shell and is alive, wherever it hangs in the tree of processes. */
const processesOf = (viewer: ShellViewer): number[] =>
  processesNaming(`HAUBAN_SHELL=${viewer.sessionId}`).map(({ pid }) => pid);

describe('offboarding somebody with shells open', () => {
  let dataDir = '';
  let stack: StandaloneStack;
  let owner: RestClient;
  let leaver: RestClient;
  let nodeId = '';

  const post = async (path: string, body: unknown, cookie = ''): Promise<Response> =>
    await fetch(stack.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: stack.url, cookie },
      body: JSON.stringify(body),
    });
  const cookieOf = (reply: Response): string =>
    reply.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');

  /** Invites an operator, who comes in and makes an API token. */
  const comeIn = async (name: string): Promise<RestClient> => {
    const mine = cookieOf(await post('/api/sign-in', FIRST_ACCOUNT));
    const invited = (await (await post('/api/people', { name, role: 'operator' }, mine)).json()) as InviteMade;
    const token = new URL(invited.url).searchParams.get('token');
    const theirs = cookieOf(await post('/api/invite/accept', { token, password: PASSWORD }));
    const made = (await (await post('/api/tokens', { name: 'script' }, theirs)).json()) as TokenCreated;
    return createRestClient(stack.url, made.secret);
  };
  const offboard = async (name: string): Promise<Offboarded> => {
    const people = await owner.call<{ id: string; name: string }[]>('GET', '/api/people');
    const id = people.find((person) => person.name === name)?.id ?? '';
    return await owner.call<Offboarded>('POST', `/api/people/${id}/offboard`, {});
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-leaver-'));
    chmodSync(dataDir, 0o755);
    stack = await startStandaloneStack(home, dataDir, await freePort());
    owner = await makeFirstAccount(stack);
    leaver = await comeIn('lea');
    nodeId = (await owner.call<NodePage>('GET', '/api/nodes')).nodes[0]?.id ?? '';
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /**
   * A shell that does what holds on: a program in the foreground, one behind, one that ignores the hang-up, one with a
   * session of its own, one that was given to process 1 as well.
   */
  const busyShell = async (who = leaver): Promise<{ readonly viewer: ShellViewer; readonly pid: number }> => {
    const viewer = await openShell(who, nodeId);
    viewer.type('sleep 4321 & (trap "" HUP; sleep 4322) &\nsetsid sleep 4324 & (setsid setsid sleep 4325 &)\n');
    viewer.type('echo "pid=$((1))$$;"\n');
    const said = await viewer.waitForOutput(/pid=1\d+;/);
    const pid = Number(/pid=1(\d+);/.exec(said)?.[1]);
    viewer.type('sleep 4323\n');
    await expect.poll(() => processesOf(viewer).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(6);
    return { viewer, pid };
  };

  it('ends every one of them, with its process tree, and nobody else’s', async () => {
    const mine = await openShell(owner, nodeId);
    mine.type('echo "mine=$((1))$$;"\n');
    const myPid = Number(/mine=1(\d+);/.exec(await mine.waitForOutput(/mine=1\d+;/))?.[1]);
    const shells = [];
    for (let n = 0; n < SHELLS; n += 1) shells.push(await busyShell());
    const pids = shells.flatMap(({ viewer, pid }) => [...tree([pid]), ...processesOf(viewer)]);
    expect(new Set(pids).size).toBeGreaterThanOrEqual(6 * SHELLS);

    const beganAt = performance.now();
    const offboarding = offboard('lea');
    await waitFor('the last process to end', () => pids.every((pid) => argumentsOf(pid).length === 0), {
      intervalMs: 10,
    });
    const lastMs = performance.now() - beganAt;
    const done = await offboarding;
    process.stdout.write(
      `offboarding with ${SHELLS} open shells, ${new Set(pids).size} processes: the last one dead after ${Math.round(lastMs)} ms\n`,
    );

    expect(done).toMatchObject({ name: 'lea', sessions: 1, tokens: 1 });
    expect(done.shells.map(({ state }) => state)).toEqual(Array.from({ length: SHELLS }, () => 'ended'));
    expect(tree(pids)).toEqual([]);
    expect(shells.flatMap(({ viewer }) => processesOf(viewer))).toEqual([]);
    // The socket of the page is closed, and the token does not open another.
    await expect(leaver.call('GET', '/api/me')).rejects.toMatchObject({ status: 401 });
    await expect(openShell(leaver, nodeId)).rejects.toMatchObject({ status: 401 });
    for (const { viewer } of shells) viewer.leave();
    expect(argumentsOf(myPid).length).toBeGreaterThan(0);
    mine.type('echo "still=$((40+2))"\n');
    await mine.waitForOutput('still=42');
    mine.leave();
  });

  it('while the node is away cancels what waits for it, and ends the shell when it is back', async () => {
    const leo = await comeIn('leo');
    const { viewer } = await busyShell(leo);
    viewer.leave();
    const link = stack.pid('link') ?? 0;
    process.kill(link, 'SIGSTOP');
    try {
      // The next controller has no link to that node, and remembers nothing.
      const before = stack.pid('controller');
      process.kill(before ?? 0, 'SIGKILL');
      await waitFor(
        'another controller',
        async () =>
          stack.pid('controller') !== before &&
          (await fetch(`${stack.url}/api/health`).then(
            (reply) => reply.ok,
            () => false,
          )),
        { timeoutMs: 60_000 },
      );
      const ping = { action: 'node.ping', args: {}, nodes: [nodeId], mode: 'apply', startWithinMs: 600_000 };
      const run = await leo.call<RunDetail>('POST', '/api/runs', ping);
      const done = await offboard('leo');
      expect(done).toMatchObject({ ordersCancelled: 1, ordersUnderWay: 0, shells: [{ state: 'waiting' }] });
      expect(processesOf(viewer).length).toBeGreaterThanOrEqual(6);
      process.kill(link, 'SIGCONT');
      await waitFor('the end of the shell', () => processesOf(viewer).length === 0, { timeoutMs: 90_000 });
      const after = await owner.call<RunDetail>('GET', `/api/runs/${run.id}`);
      expect(after.targets).toMatchObject([{ state: 'cancelled', startedAt: null }]);
    } finally {
      process.kill(link, 'SIGCONT');
    }
  });

  it('is refused for the last owner, from the command line too', async () => {
    const env = { PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: join(dataDir, 'config') };
    const hauban = async (args: readonly string[], input = ''): Promise<{ status: number | null; text: string }> => {
      const child = spawn(process.execPath, [join(home, 'packages/cli/dist/main.js'), ...args], { env, cwd: '/' });
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
      child.stdin.end(input);
      const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { status, text };
    };
    await hauban(['login', stack.url, '--user', FIRST_ACCOUNT.name], `${FIRST_ACCOUNT.password}\n`);
    const last = await hauban(['people', 'offboard', FIRST_ACCOUNT.name]);
    expect(last).toMatchObject({ status: 5, text: expect.stringContaining('last owner') as string });
    expect(await hauban(['people', 'offboard', 'lea'])).toMatchObject({ status: 4 });
    expect((await hauban(['people', 'list'])).text).not.toContain('lea');
    // An API token makes no person, so the second leaver comes in by the page.
    const mine = cookieOf(await post('/api/sign-in', FIRST_ACCOUNT));
    await post('/api/people', { name: 'max', role: 'viewer' }, mine);
    const out = await hauban(['people', 'offboard', 'max']);
    expect(out).toMatchObject({ status: 0, text: expect.stringMatching(/max is out[^]*invitations +1/) as string });
  });
});
