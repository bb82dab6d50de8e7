import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanStaleLab } from './clean-stale-lab.ts';
import { createLabFleet } from './lab-fleet.ts';
import { labCacheFolder } from './lab-folders.ts';
import { ownOwnerName, startTicksOf } from './lab-owner.ts';
import { enterByPid } from './lab-place.ts';
import { loadLabState, removeLabState, saveLabState, type LabState } from './lab-state.ts';
import { createLabProduct } from './product/lab-product.ts';
import { defaultEnvironment, waitUntil } from './program.ts';
import { labRequirements } from './requirements.ts';

/**
 * `npm run lab -- up | down | status | enter <node>`: real nodes to look at. `scripts/lab.mjs` bundles and runs this
 * file. `up` starts a process of its own that keeps the lab (`keep`) and comes back when the nodes are up.
 */
const usage = `npm run lab -- up [--nodes 2]    start a controller and nodes with agents, and leave them running
npm run lab -- up --bare         nodes alone, without the product
npm run lab -- status            what runs, and how to reach it
npm run lab -- enter <node>      a root shell inside a node
npm run lab -- down              end it, leaving nothing behind
`;

/** The first start builds Debian trees, about a minute each. */
const upTimeoutMs = 30 * 60_000;
const downTimeoutMs = 120_000;

type LabSize = { readonly nodeCount: number; readonly isBare: boolean };

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function keeperPid(state: LabState): number {
  return Number(state.keeper.split('-')[0]);
}

function describePage({ page }: LabState): string[] {
  if (page === null) return [];
  return [
    `The page:        ${page.url}`,
    ...(page.setupUrl === null ? [] : [`First account, by this link, once:  ${page.setupUrl}`]),
    `Nodes reach their controller at ${page.linkUrl}`,
  ];
}

function describe(state: LabState): string {
  const lines = state.nodes.map((node) => `  ${node.name.padEnd(8)}${node.address.padEnd(14)}${node.address6}`);
  return [
    `The lab is up: ${state.nodes.length} ${state.nodes.length === 1 ? 'node' : 'nodes'} with systemd, Apache, PHP 8.2, 8.4 and 7.4, kept by process ${keeperPid(state)}.`,
    ...lines,
    ...describePage(state),
    `Programs in the lab's network, at ${state.networkAddress}:  nsenter --net=/run/netns/${state.networkNamespace} <program>`,
    `Look at a page:  nsenter --net=/run/netns/${state.networkNamespace} curl http://${state.nodes[0]?.address ?? ''}/`,
    `Inside a node:   npm run lab -- enter ${state.nodes[0]?.name ?? ''}`,
    'End it:          npm run lab -- down',
  ].join('\n');
}

function logPath(): string {
  return join(labCacheFolder(), 'lab.log');
}

async function up({ nodeCount, isBare }: LabSize): Promise<number> {
  const present = loadLabState();
  if (present) {
    say(describe(present));
    return 0;
  }
  removeLabState();
  mkdirSync(labCacheFolder(), { recursive: true });
  const log = openSync(logPath(), 'w');
  const args = [fileURLToPath(import.meta.url), 'keep', '--nodes', String(nodeCount), ...(isBare ? ['--bare'] : [])];
  const keeper = spawn(process.execPath, args, {
    cwd: '/',
    env: process.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  keeper.unref();
  say(`Starting ${nodeCount} nodes; the first time this builds Debian trees, about a minute each. Log: ${logPath()}`);
  if (!isBare) say('The controller and the agent are built from this repository where their sources have changed.');
  const hasEnded = (): boolean => keeper.exitCode !== null || keeper.signalCode !== null;
  await waitUntil('the lab', () => loadLabState() !== null || hasEnded(), { timeoutMs: upTimeoutMs, intervalMs: 100 });
  const state = loadLabState();
  if (state) {
    say(describe(state));
    return 0;
  }
  process.stderr.write(`The lab did not start:\n${readFileSync(logPath(), 'utf8')}`);
  return 1;
}

/** Builds the lab, tells about it and waits for its end. */
async function keep({ nodeCount, isBare }: LabSize): Promise<number> {
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  const fleet = await createLabFleet({ nodeCount });
  const product = isBare ? null : await createLabProduct(fleet);
  saveLabState({
    keeper: ownOwnerName(),
    networkAddress: fleet.network.address,
    networkNamespace: fleet.network.namespace,
    page: product === null ? null : { url: product.url, setupUrl: product.setupUrl, linkUrl: product.linkUrl },
    nodes: fleet.nodes.map(({ name, address, address6, leaderPid }) => ({
      name,
      address,
      address6,
      leaderPid: leaderPid() ?? 0,
    })),
  });
  await ended;
  removeLabState();
  await product?.destroy();
  await fleet.destroy();
  return 0;
}

async function down(): Promise<number> {
  const state = loadLabState();
  if (state) {
    const pid = keeperPid(state);
    process.kill(pid, 'SIGTERM');
    await waitUntil('the end of the lab', () => startTicksOf(pid) === null, {
      timeoutMs: downTimeoutMs,
      intervalMs: 50,
    });
  }
  const stale = await cleanStaleLab();
  removeLabState();
  say(state || stale.length > 0 ? 'The lab is down.' : 'No lab was up.');
  return 0;
}

function status(): number {
  const state = loadLabState();
  say(state ? describe(state) : 'No lab is up. Start one with: npm run lab -- up');
  return state ? 0 : 3;
}

function enter(name: string | undefined, command: readonly string[]): number {
  const state = loadLabState();
  const node = state?.nodes.find((candidate) => candidate.name === name);
  if (!node) {
    process.stderr.write(
      `There is no node "${name ?? ''}". Nodes: ${state?.nodes.map((each) => each.name).join(' ') ?? 'none'}\n`,
    );
    return 2;
  }
  const door = enterByPid(node.leaderPid, undefined);
  const program = command.length > 0 ? command : ['/bin/bash', '--login'];
  const env = { ...defaultEnvironment, TERM: process.env['TERM'] ?? 'dumb' };
  const result = spawnSync(door.program, [...door.args, '--', ...program], { cwd: '/', env, stdio: 'inherit' });
  return result.status ?? 1;
}

function parseNodeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 50) {
    throw new Error(`--nodes ${text}: it takes a whole number from 1 to 50`);
  }
  return count;
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const isEnter = words[0] === 'enter';
  const { values, positionals } = parseArgs({
    // Options after `enter <node>` belong to the program that is run there.
    args: isEnter ? ['--', ...words] : words,
    options: {
      nodes: { type: 'string', default: '2' },
      bare: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const [command, name, ...rest] = positionals;
  if (values.help || command === undefined) {
    say(usage);
    return values.help ? 0 : 2;
  }
  const requirements = labRequirements();
  if (!requirements.ok) return 1;
  switch (command) {
    case 'up':
      return up({ nodeCount: parseNodeCount(values.nodes), isBare: values.bare });
    case 'keep':
      return keep({ nodeCount: parseNodeCount(values.nodes), isBare: values.bare });
    case 'down':
      return down();
    case 'status':
      return status();
    case 'enter':
      return enter(name, rest);
    default:
      process.stderr.write(`"${command}" is no command of the lab.\n${usage}`);
      return 2;
  }
}

try {
  process.exitCode = await main();
} catch (cause) {
  process.stderr.write(`lab: ${(cause as Error).message}\n`);
  process.exitCode = 1;
}
