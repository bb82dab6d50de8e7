import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { FakeController } from '../support/fake-controller.ts';
import { waitFor } from '../support/wait-for.ts';
import type { BenchRow } from './bench-row.ts';

/** The flags of the installed unit (systemd/hauban-link.service), for both processes. */
const FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=128', '--v8-pool-size=0'];
const AGENT = join(process.cwd(), 'packages/agent/dist/bundle/main.js');
/** The first inventory and the first compilations are over by then. */
const WARM_UP_MS = 45_000;
const MEASURE_MS = 120_000;

interface Usage {
  readonly privateDirtyMb: number;
  readonly cpuMs: number;
}

/** CPU time of all threads, from the scheduler: the clock ticks of /proc/pid/stat are too coarse for an idle process. */
function cpuMs(pid: number): number {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e6;
}

function usageOf(pid: number): Usage {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = Number(/Private_Dirty:\s+(\d+)/.exec(rollup)?.[1]);
  return { privateDirtyMb: kb / 1024, cpuMs: cpuMs(pid) };
}

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };
const start = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [...FLAGS, ...args], { cwd: '/', env, stdio: 'ignore' });

/** The barest process that could do the job: Node with one WebSocket open, doing nothing. */
function startBare(folder: string, url: string): ChildProcess {
  const program = join(folder, 'bare.mjs');
  const ws = join(process.cwd(), 'node_modules/ws/wrapper.mjs');
  writeFileSync(
    program,
    `import { WebSocket } from ${JSON.stringify(ws)};\nnew WebSocket(${JSON.stringify(url)}, { perMessageDeflate: false });\n`,
  );
  return start([program]);
}

/** The barest reporter: reads what /proc says of the machine every 10 s and sends 200 bytes; no parsing, no spool, no keys. */
function startReader(folder: string, url: string): ChildProcess {
  const program = join(folder, 'reader.mjs');
  const ws = join(process.cwd(), 'node_modules/ws/wrapper.mjs');
  const names = [
    'stat',
    'meminfo',
    'loadavg',
    'vmstat',
    'diskstats',
    'net/dev',
    'net/snmp',
    'net/netstat',
    'net/sockstat',
  ];
  writeFileSync(
    program,
    `import { readFileSync } from 'node:fs';
import { WebSocket } from ${JSON.stringify(ws)};
const socket = new WebSocket(${JSON.stringify(url)}, { perMessageDeflate: false });
const names = ${JSON.stringify([...names, 'pressure/cpu', 'pressure/memory', 'pressure/io', 'sys/fs/file-nr'])};
setInterval(() => {
  for (const name of names) readFileSync('/proc/' + name, 'latin1');
  socket.send(Buffer.alloc(200));
}, 10_000);
`,
  );
  return start([program]);
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

const pidOf = (child: ChildProcess): number => {
  if (child.pid === undefined) throw new Error('a program of the benchmark did not start');
  return child.pid;
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** `before` and `after` of the idle process, the reader and the agent; the figures are of the time between. */
function rowsOf(before: readonly Usage[], after: readonly Usage[], frames: number): BenchRow[] {
  const [, readerBefore, agentBefore] = before;
  const [bareAfter, readerAfter, agentAfter] = after;
  if (!readerBefore || !agentBefore || !bareAfter || !readerAfter || !agentAfter)
    throw new Error('three processes are measured');
  const percent = (from: Usage, to: Usage): number => ((to.cpuMs - from.cpuMs) / MEASURE_MS) * 100;
  const [readerCpu, agentCpu] = [percent(readerBefore, readerAfter), percent(agentBefore, agentAfter)];
  return [
    {
      name: 'link process, private memory',
      value: agentAfter.privateDirtyMb,
      unit: 'MB',
      floor: bareAfter.privateDirtyMb,
      ratio: agentAfter.privateDirtyMb / bareAfter.privateDirtyMb,
      target: '1.5 x floor',
      note: 'private dirty; floor: node with an idle ws, same flags',
    },
    {
      name: 'link process, CPU while reporting every 10 s',
      value: agentCpu,
      unit: '% of core',
      floor: readerCpu,
      ratio: agentCpu / readerCpu,
      target: 0.05,
      note: `${frames} live frames in ${MEASURE_MS / 1000} s; floor: node that reads 13 files of /proc and sends 200 bytes`,
    },
  ];
}

/** Memory and CPU of the real link process, idle and reporting every 10 s, beside a bare process with an idle WebSocket. */
export async function runLinkBench(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hb-'));
  const controller = await FakeController.start();
  // A server that never speaks.
  const silent = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(silent, 'listening');
  const children: ChildProcess[] = [];
  try {
    const node = join(folder, 'node');
    const enrol = ['enrol', '--root', node, '--url', controller.url, '--token', controller.joinToken()];
    const [status] = (await once(start([AGENT, ...enrol]), 'exit')) as [number | null];
    if (status !== 0) throw new Error(`the agent could not be enrolled: status ${status}`);
    const silentUrl = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const bare = startBare(folder, silentUrl);
    const reader = startReader(folder, silentUrl);
    // On a node that is up the link process has an executor to talk to; its own cost is not measured here.
    const executor = start([AGENT, 'executor', '--root', node]);
    const agent = start([AGENT, 'link', '--root', node]);
    children.push(executor, bare, reader, agent);
    await waitFor('the first live frame', () => controller.told.live.length > 0);
    await sleep(WARM_UP_MS);
    const before = [bare, reader, agent].map((child) => usageOf(pidOf(child)));
    const frames = controller.told.live.length;
    await sleep(MEASURE_MS);
    const after = [bare, reader, agent].map((child) => usageOf(pidOf(child)));
    return rowsOf(before, after, controller.told.live.length - frames);
  } finally {
    for (const child of children.toReversed()) await stop(child);
    silent.close();
    await controller.stop();
    rmSync(folder, { recursive: true });
  }
}
