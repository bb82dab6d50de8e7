import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunPage } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFirstAccount, type RestClient } from '../../support/first-account.ts';
import { enableApacheModules } from '../apache.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { requestHttp } from '../http-request.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import { createLabNetwork, type LabNetwork, type LabPeer } from '../lab-network.ts';
import { runProgram, startProgram, type ProgramResult, type RunningProgram } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putAccountLoop } from './account-loop.ts';
import { installAgent, packageAgent, waitForNode } from './installed-agent.ts';
import { createLabController, type LabController } from './lab-controller.ts';

const lab = labRequirements();
/** `npm run accounts` takes 1,000 of them. */
const TOTAL = Number(process.env['HAUBAN_ACCOUNTS'] ?? 12);
const TOGETHER = TOTAL < 100 ? 3 : 20;
/** `npm run accounts:timed`: nothing is killed, so that only the work itself is compared with the loop. */
const IS_TIMED = process.env['HAUBAN_TIMED'] === '1';
const TIMEOUT_MS = 240_000 + TOTAL * 4000;
const CLI = join(findRepositoryFolder(), 'packages/cli/dist/main.js');
const POLICY = `version = 1

[[allow]]
actions = ["account.create-many"]

[[allow]]
actions = ["account.create"]
args.name = { pattern = "w4a[0-9]{6}" }
`;

/** No number column: the controller gives the numbers. */
const accountOf = (at: number) => ({ name: `w4a${200_001 + at}`, domain: `s${at}.example.net` });
const accounts = Array.from({ length: TOTAL }, (_, at) => accountOf(at));
const lineOf = ({ name, domain }: ReturnType<typeof accountOf>): string => `${name},${domain},8.2`;
const HEADER = 'name,domain,phpVersion';

async function createWebNode(network: LabNetwork, name: string): Promise<FullNode> {
  const node = await createFullNode({ name, network, sizeMiB: 4096 });
  await enableApacheModules(node);
  await node.mustRun('/usr/bin/systemctl', ['restart', 'apache2']);
  return node;
}

/** What one way of making them took: the time, and how long the CPUs of both nodes worked for it, whatever else ran. */
interface Taken {
  readonly ms: number;
  readonly cpuMs: number;
}
async function timed(nodes: readonly FullNode[], work: () => Promise<unknown>): Promise<Taken> {
  const cpuMs = (): number => nodes.reduce((sum, node) => sum + node.cpuMs(), 0);
  const [startedMs, before] = [performance.now(), cpuMs()];
  await work();
  return { ms: performance.now() - startedMs, cpuMs: cpuMs() - before };
}
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const takenText = ({ ms, cpuMs }: Taken): string =>
  `${seconds(ms)} (${((TOTAL * 1000) / ms).toFixed(2)} accounts/s on each node), ${seconds(cpuMs)} of CPU on both`;

/** Hosting accounts that a node has, `name:uid`, sorted. */
async function accountsOn(node: FullNode): Promise<readonly string[]> {
  const { stdout } = await node.mustRun('/usr/bin/getent', ['passwd']);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('w4a'))
    .map((line) => line.split(':').slice(0, 3).join(':'))
    .toSorted();
}

describe.skipIf(!lab.ok)(`${TOTAL} accounts from a CSV file on two web nodes`, () => {
  let network: LabNetwork;
  let controller: LabController;
  let client: RestClient;
  let visitor: LabPeer;
  let nodes: readonly FullNode[] = [];
  let folder = '';
  let ours: Taken | null = null;

  const args = (file: string, ...more: readonly string[]): readonly string[] => [
    ...[CLI, 'account', 'import', join(folder, file), '--on', 'role=web', '--yes', '--together', String(TOGETHER)],
    ...more,
  ];
  const env = (): Readonly<Record<string, string>> => ({
    ...{ PATH: '/usr/bin:/bin', HOME: folder, HAUBAN_URL: client.url, HAUBAN_TOKEN: client.token },
  });
  const start = (): Promise<RunningProgram> => startProgram(process.execPath, args('accounts.csv'), { env: env() });
  const run = (file: string, ...more: readonly string[]) =>
    runProgram(process.execPath, args(file, ...more), { env: env(), timeoutMs: TIMEOUT_MS });
  const runs = async (): Promise<number> =>
    (await client.call<RunPage>('GET', '/api/runs?limit=200')).runs.filter(({ action }) =>
      action.startsWith('account.'),
    ).length;
  /** A line of progress that says that so many are done, or more. */
  const reached = async (program: RunningProgram, share: number): Promise<void> => {
    const count = Math.ceil((TOTAL * share) / TOGETHER) * TOGETHER;
    await program.waitForOutput(`${Math.min(count, TOTAL)} of ${TOTAL} accounts`, TIMEOUT_MS);
  };
  const expectPage = async (node: FullNode, { domain }: { domain: string }, uid: number): Promise<void> => {
    const answer = await requestHttp(visitor, { url: `http://${node.address}/`, host: domain, timeoutMs: 20_000 });
    expect(answer).toMatchObject({ kind: 'response', status: 200 });
    expect(answer.kind === 'response' ? answer.body : '').toContain(`runs as uid ${uid}.`);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hauban-import-'));
    const archive = await packageAgent();
    network = await createLabNetwork();
    controller = await createLabController(network);
    client = await makeFirstAccount(controller);
    visitor = await network.createPeer('visitor');
    nodes = [await createWebNode(network, 'web1'), await createWebNode(network, 'web2')];
    const token = await controller.makeJoinToken(nodes.length);
    for (const node of nodes) {
      await installAgent(node, archive, { linkUrl: controller.linkUrl, token });
      await node.writeFile('/etc/hauban/policy.toml', POLICY, 0o644);
      await waitForNode(client, node.name, 'up');
    }
    writeFileSync(join(folder, 'accounts.csv'), [HEADER, ...accounts.map(lineOf), ''].join('\n'));
  }, 300_000);
  afterAll(async () => {
    for (const node of nodes) await node.destroy();
    await controller.destroy();
    await network.destroy();
    rmSync(folder, { recursive: true });
  });

  it('with lines that can not be: nothing is sent, and each is named by its number', async () => {
    const bad = [HEADER, lineOf(accountOf(0)), '../evil,a.example.net,8.2', lineOf(accountOf(0)), 'w4a200009,x,8.2'];
    writeFileSync(join(folder, 'bad.csv'), bad.join('\n'));
    const refused = await run('bad.csv');
    expect(refused.code).toBe(2);
    for (const at of [3, 4, 5]) expect(refused.stderr).toContain(`line ${at}: `);
    expect(await runs()).toBe(0);
  });

  it(
    IS_TIMED
      ? 'makes all of them'
      : 'goes on where it was after kill -9 of the command, of an executor and of the controller',
    async () => {
      let ended: ProgramResult | null = null as ProgramResult | null;
      const interrupted = async (): Promise<void> => {
        const first = await start();
        await reached(first, 0.25);
        await first.stop('SIGKILL');
        const second = await start();
        await reached(second, 0.5);
        await nodes[1]?.systemctl('kill', '--signal=SIGKILL', 'hauban-executor');
        await reached(second, 0.75);
        await controller.crash();
        ended = await second.exited;
      };
      const whole = async (): Promise<void> => void (ended = await (await start()).exited);
      ours = await timed(nodes, IS_TIMED ? whole : interrupted);
      process.stderr.write(
        `account import: ${TOTAL} accounts on two nodes, ${IS_TIMED ? 'no kill' : 'three kills'} in it: ${takenText(ours)}; it says: ${ended?.stdout.trim() ?? ''}\n`,
      );
      // An order that was cut off in its middle is undone, and its accounts are made by the halves that follow it.
      expect(ended, ended?.stderr).toMatchObject({ code: 0 });
      expect(ended?.stdout).toMatch(new RegExp(`^${TOTAL} of ${TOTAL} accounts are there`));
    },
    TIMEOUT_MS,
  );

  it('has made each account once, the same on both nodes, and serves their pages', async () => {
    const [web1 = [], web2] = await Promise.all(nodes.map(accountsOn));
    expect(web2).toEqual(web1);
    expect(web1.map((line) => line.split(':')[0])).toEqual(accounts.map(({ name }) => name));
    const uids = new Map(web1.map((line) => [line.split(':')[0], Number(line.split(':')[2])]));
    expect(new Set(uids.values()).size).toBe(TOTAL);
    for (const account of [accounts[0], accounts[Math.floor(TOTAL / 2)], accounts.at(-1)])
      for (const node of nodes) if (account !== undefined) await expectPage(node, account, uids.get(account.name) ?? 0);
  });

  it(
    'a second time starts nothing; --again looks at all of them and changes nothing',
    async () => {
      const [before, tree] = [await runs(), await Promise.all(nodes.map(accountsOn))];
      const again = await run('accounts.csv');
      expect(again).toMatchObject({ code: 0 });
      expect(again.stdout).toContain(`${TOTAL} of them by an earlier import`);
      expect(await runs()).toBe(before);
      expect(await run('accounts.csv', '--again')).toMatchObject({ code: 0 });
      expect(await Promise.all(nodes.map(accountsOn))).toEqual(tree);
      const { runs: last } = await client.call<RunPage>('GET', '/api/runs?limit=1');
      expect(last[0]?.counts).toEqual({ unchanged: 2 });
    },
    TIMEOUT_MS,
  );

  it('with an account that only the node’s policy refuses: the others of its order are made', async () => {
    const three = [
      { name: 'w4a300001', domain: 'p1.example.net' },
      { name: 'stranger', domain: 'p2.example.net' },
      { name: 'w4a300003', domain: 'p3.example.net' },
    ];
    writeFileSync(join(folder, 'three.csv'), [HEADER, ...three.map(lineOf)].join('\n'));
    const done = await run('three.csv');
    expect(done.code).toBe(5);
    expect(done.stdout).toMatch(/^1\s+3\s+web[12]: refused .*argument name/m);
    for (const node of nodes) {
      const made = (await accountsOn(node)).filter((line) => line.startsWith('w4a3'));
      expect(made.map((line) => line.split(':')[0])).toEqual(['w4a300001', 'w4a300003']);
      expect((await node.run('/usr/bin/getent', ['passwd', 'stranger'])).code).toBe(2);
    }
  });

  it(
    'is timed against a shell loop of the same programs, which looks at nothing',
    async () => {
      for (const node of nodes) await node.destroy();
      nodes = await Promise.all([createWebNode(network, 'loop1'), createWebNode(network, 'loop2')]);
      const numbered = accounts.map((account, at) => ({ ...account, uid: 200_001 + at }));
      const loops = await Promise.all(nodes.map((node) => putAccountLoop(node, numbered, TOGETHER)));
      const loop = await timed(nodes, () => Promise.all(loops.map((run) => run())));
      for (const node of nodes) {
        expect(await accountsOn(node)).toHaveLength(TOTAL);
        await expectPage(node, accounts.at(-1) ?? accountOf(0), 200_000 + TOTAL);
      }
      const ratio =
        ours === null
          ? ''
          : `; ours to it: time ${(ours.ms / loop.ms).toFixed(2)}, CPU ${(ours.cpuMs / loop.cpuMs).toFixed(2)}`;
      process.stderr.write(`shell loop: ${TOTAL} accounts on two equal nodes: ${takenText(loop)}${ratio}\n`);
    },
    TIMEOUT_MS,
  );
});
