import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InviteMade, NodePage, Offboarded, TokenCreated } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRestClient, FIRST_ACCOUNT, makeFirstAccount, type RestClient } from '../support/first-account.ts';
import { argumentsOf, childrenOf } from '../support/processes.ts';
import { openShell, type ShellViewer } from '../support/shell-viewer.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';

const home = process.cwd();
const SHELLS = 5;
const PASSWORD = 'a leaver has a password too';

/** Everything below these processes, themselves included, that is alive. */
function tree(pids: readonly number[]): number[] {
  return pids.filter((pid) => argumentsOf(pid).length > 0).flatMap((pid) => [pid, ...tree(childrenOf(pid))]);
}

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

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-leaver-'));
    chmodSync(dataDir, 0o755);
    stack = await startStandaloneStack(home, dataDir, await freePort());
    owner = await makeFirstAccount(stack);
    const mine = cookieOf(await post('/api/sign-in', FIRST_ACCOUNT));
    const invited = (await (await post('/api/people', { name: 'lea', role: 'operator' }, mine)).json()) as InviteMade;
    const token = new URL(invited.url).searchParams.get('token');
    const theirs = cookieOf(await post('/api/invite/accept', { token, password: PASSWORD }));
    const made = (await (await post('/api/tokens', { name: 'script' }, theirs)).json()) as TokenCreated;
    leaver = createRestClient(stack.url, made.secret);
    nodeId = (await owner.call<NodePage>('GET', '/api/nodes')).nodes[0]?.id ?? '';
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** A shell that does what holds on: a program in the foreground, one behind, one that ignores the hang-up. */
  const busyShell = async (): Promise<{ readonly viewer: ShellViewer; readonly pid: number }> => {
    const viewer = await openShell(leaver, nodeId);
    viewer.type('sleep 4321 & (trap "" HUP; sleep 4322) &\necho "pid=$((1))$$;"\n');
    const said = await viewer.waitForOutput(/pid=1\d+;/);
    const pid = Number(/pid=1(\d+);/.exec(said)?.[1]);
    viewer.type('sleep 4323\n');
    await expect.poll(() => tree([pid]).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    return { viewer, pid };
  };

  it('ends every one of them, with its process tree, and nobody else’s', async () => {
    const mine = await openShell(owner, nodeId);
    mine.type('echo "mine=$((1))$$;"\n');
    const myPid = Number(/mine=1(\d+);/.exec(await mine.waitForOutput(/mine=1\d+;/))?.[1]);
    const shells = [];
    for (let n = 0; n < SHELLS; n += 1) shells.push(await busyShell());
    const pids = shells.flatMap(({ pid }) => tree([pid]));
    expect(pids.length).toBeGreaterThanOrEqual(4 * SHELLS);

    const people = await owner.call<{ id: string; name: string }[]>('GET', '/api/people');
    const id = people.find(({ name }) => name === 'lea')?.id ?? '';
    const done = await owner.call<Offboarded>('POST', `/api/people/${id}/offboard`, {});

    expect(done).toMatchObject({ name: 'lea', sessions: 1, tokens: 1 });
    expect(done.shells.map(({ state }) => state)).toEqual(Array.from({ length: SHELLS }, () => 'ended'));
    expect(tree(pids)).toEqual([]);
    // The socket of the page is closed, and the token does not open another.
    await expect(leaver.call('GET', '/api/me')).rejects.toMatchObject({ status: 401 });
    await expect(openShell(leaver, nodeId)).rejects.toMatchObject({ status: 401 });
    for (const { viewer } of shells) viewer.leave();
    expect(argumentsOf(myPid).length).toBeGreaterThan(0);
    mine.type('echo "still=$((40+2))"\n');
    await mine.waitForOutput('still=42');
    mine.leave();
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
