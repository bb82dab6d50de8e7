import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import type { AuditRecord } from '@hauban/shared/audit';
import type { JoinTokenCreated } from '@hauban/shared/api';
import postgres, { type Sql } from 'postgres';
import { verifyAuditChain } from '../../packages/controller/src/audit/audit-chain.ts';
import { bundleProgram } from '../support/bundle-program.ts';
import { makeFirstAccount, type RestClient } from '../support/first-account.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';
import { checkHistory, type HistoryProblem } from './check-history.ts';
import { enrolInBulk } from './enrol-in-bulk.ts';
import { loadIdentity } from './fleet-node.ts';
import { planFleet, type Blows, type FleetPlan, type RunName } from './fleet-plan.ts';
import type { FleetReport, MeasuredRun, RunReport, UseReport } from './fleet-report.ts';
import { carryOutRun, type FleetWorld } from './fleet-runs.ts';
import { quantileOf, readProcessUse, readTreeCpuMs, type FanOut } from './measure-process.ts';
import type { NodeHostConfig } from './node-host-messages.ts';
import { startNodeHosts } from './node-hosts.ts';
import { readHistory, readJournal } from './read-history.ts';

export interface FleetOptions {
  /** Folder of the project, built. */
  readonly home: string;
  readonly nodes: number;
  readonly nodesPerHost: number;
  readonly seed: number;
  /** So many enrol over links of their own; those after them are enrolled by the controller's own service. */
  readonly enrolled: number;
  /** Of each run that is hit. */
  readonly blows: Blows;
  /** How long the controller is watched while nothing is asked of it. */
  readonly idleMs: number;
  /** Time that a change of a machine takes at most in the runs that are hit, before and after it is made. */
  readonly slowMs: number;
  /** Part of the product's waits between two links. */
  readonly waits: number;
  /** Those that are carried out; default: all of them. The measured one is always the first. */
  readonly runs?: readonly RunName[];
  readonly print: (line: string) => void;
}

const UP_WITHIN_MS = 1_800_000;
const ACKED_WITHIN_MS = 120_000;
const SAMPLE_MS = 100;
const TELL_MS = 30_000;

function connect(dataDir: string): Sql {
  const folder = join(dataDir, 'postgres');
  const password = readFileSync(join(folder, 'password'), 'utf8').trim();
  return postgres({
    ...{ host: join(folder, 'socket'), port: 5432, user: 'hauban', password, database: 'hauban', max: 2 },
    // A server that was killed is asked again by whoever asks.
    backoff: () => 0.1,
    fetch_types: false,
  });
}

async function makeConfigs(
  client: RestClient,
  folder: string,
  plan: FleetPlan,
  waits: number,
): Promise<NodeHostConfig[]> {
  const url = `${client.url.replace('http', 'ws')}/link`;
  const failing = plan.runs.map(({ address, failing: hostNames }) => ({ address, hostNames }));
  const configs: NodeHostConfig[] = [];
  for (const [at, hostNames] of plan.hosts.entries()) {
    const wanted = { uses: hostNames.length, minutes: 600, labels: { fleet: 'simulated' } };
    const { token } = await client.call<JoinTokenCreated>('POST', '/api/join-tokens', wanted);
    configs.push({ url, joinToken: token, folder, hostNames, seed: plan.seed + at, waits, failing });
  }
  return configs;
}

/** The same bytes to the same number of connections, by nothing but `ws`. */
async function measureBare(
  { hosts }: FleetWorld,
  program: string,
  sizes: Pick<MeasuredRun, 'orderBytes' | 'receiptBytes'>,
): Promise<FanOut> {
  const child = spawn(process.execPath, [program, String(hosts.nodeCount), String(sizes.orderBytes)], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const url = String((await lines.next()).value);
    hosts.send({ t: 'bare', url, answerBytes: sizes.receiptBytes });
    await hosts.whenBareReady();
    child.stdin.write('go\n');
    return JSON.parse(String((await lines.next()).value)) as FanOut;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Looks at the controller until `end`; the most memory that it held. */
function watchMemory(stack: StandaloneStack): { end(): number } {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, readProcessUse(stack.pid('controller'))?.rssBytes ?? 0);
  }, SAMPLE_MS);
  return {
    end: () => {
      clearInterval(timer);
      return most;
    },
  };
}

async function measureRun(
  world: FleetWorld,
  plan: FleetPlan,
  { aloneBytes, idleMs }: { readonly aloneBytes: number; readonly idleMs: number },
): Promise<{ readonly measured: MeasuredRun; readonly report: RunReport }> {
  const { stack, hosts, sql, nodeIds } = world;
  const controller = () => readProcessUse(stack.pid('controller'));
  const signer = () => readProcessUse(stack.pid('signer'))?.cpuMs ?? 0;
  const database = () => readTreeCpuMs(stack.pid('postgres'));
  const idleFrom = controller();
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const idleTo = controller();
  const [signerFrom, databaseFrom, nodesFrom] = [signer(), database(), hosts.cpuMs];
  const [planned] = plan.runs;
  if (planned === undefined || idleFrom === null || idleTo === null) throw new Error('there is nothing to measure');
  const memory = watchMemory(stack);
  const ackedBefore = hosts.acked;
  const ended = await carryOutRun(world, planned);
  await waitFor('every receipt is acknowledged', () => hosts.acked - ackedBefore >= nodeIds.length, {
    timeoutMs: ACKED_WITHIN_MS,
    intervalMs: SAMPLE_MS,
  });
  const rows = await sql<{ startedAt: number; order: number; receipt: number }[]>`
    SELECT started_at::float8 AS "startedAt", length(jws) AS order, length(receipt) AS receipt FROM run_target
    WHERE run_id = ${ended.id}`;
  const delays = rows.map(({ startedAt }) => startedAt - ended.askedAt);
  const usage: UseReport = {
    idleMs,
    idleCpuMs: idleTo.cpuMs - idleFrom.cpuMs,
    runCpuMs: (controller()?.cpuMs ?? 0) - idleTo.cpuMs,
    rssBytes: { alone: aloneBytes, idle: idleTo.rssBytes, run: memory.end() },
    signerRunCpuMs: signer() - signerFrom,
    databaseRunCpuMs: database() - databaseFrom,
    nodesRunCpuMs: hosts.cpuMs - nodesFrom,
  };
  const measured: MeasuredRun = {
    allAckedMs: hosts.ackedAt - ended.askedAt,
    startP50Ms: quantileOf(delays, 0.5),
    startP99Ms: quantileOf(delays, 0.99),
    orderBytes: rows[0]?.order ?? 0,
    receiptBytes: rows[0]?.receipt ?? 0,
    use: usage,
  };
  return { measured, report: ended.report };
}

async function untilUp({ hosts, print }: Pick<FleetWorld, 'hosts' | 'print'>): Promise<void> {
  let toldAtMs = performance.now();
  const isUp = (): boolean => {
    if (performance.now() - toldAtMs > TELL_MS) {
      toldAtMs = performance.now();
      print(`${hosts.up} of ${hosts.nodeCount} links are up`);
    }
    return hosts.up === hosts.nodeCount;
  };
  await waitFor('every link is up', isUp, { timeoutMs: UP_WITHIN_MS });
  print(`${hosts.up} links are up`);
}

async function checkAudit(sql: Sql): Promise<{ readonly rows: number; readonly problems: HistoryProblem[] }> {
  const rows = await sql<AuditRecord[]>`
    SELECT seq::int AS seq, at::float8 AS at, code, who, address, node_id AS "nodeId", host_name AS "hostName",
      order_id AS "orderId", outcome, detail, prev_hash AS "prevHash", hash
    FROM audit_entry ORDER BY seq`;
  const verdict = verifyAuditChain(rows);
  const says = verdict.ok ? '' : `audit row ${verdict.seq}: ${verdict.problem}`;
  return { rows: rows.length, problems: verdict.ok ? [] : [{ rule: 'journal', says }] };
}

/** Nothing is under way any more: every link is up, and every node has heard that its receipts are stored. */
async function untilQuiet(world: FleetWorld, folders: readonly string[]): Promise<void> {
  await untilUp(world);
  const isAcked = (folder: string): boolean => readJournal(folder).every((order) => order.isAcked);
  let left = [...folders];
  // What is never acknowledged is the checker's to tell.
  await waitFor(
    'every receipt is acknowledged',
    () => (left = left.filter((folder) => !isAcked(folder))).length === 0,
    { timeoutMs: ACKED_WITHIN_MS, intervalMs: 1000 },
  ).catch(() => world.print(`${left.length} nodes have receipts that nobody acknowledged`));
}

async function runAll(options: FleetOptions, stack: StandaloneStack, folder: string): Promise<FleetReport> {
  const { seed, print } = options;
  const startedMs = performance.now();
  const plan = planFleet(seed, options);
  const client = await makeFirstAccount(stack);
  const aloneBytes = readProcessUse(stack.pid('controller'))?.rssBytes ?? 0;
  const sql = connect(stack.dataDir);
  const [program, bareProgram] = [
    await bundleProgram('fleet/node-host.ts'),
    await bundleProgram('fleet/bare-fan-out.ts'),
  ];
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  const configs = await makeConfigs(client, folder, plan, options.waits);
  const others = new Set(plan.hosts.flat().slice(options.enrolled));
  if (others.size > 0) await enrolInBulk(stack.dataDir, configs, (hostName) => others.has(hostName));
  print(`${others.size} nodes enrolled in bulk`);
  const hosts = startNodeHosts(program, folder, configs, (error) => fail(error));
  const folders = plan.hosts.flat().map((hostName) => join(folder, hostName));
  const work = async (): Promise<FleetReport> => {
    await hosts.whenEnrolled();
    const enrolledMs = performance.now() - startedMs;
    print(`${hosts.nodeCount} nodes enrolled in ${Math.round(enrolledMs)} ms`);
    await untilUp({ hosts, print });
    const nodeIds = folders.map((one) => loadIdentity(one).nodeId);
    const world: FleetWorld = { stack, client, sql, hosts, nodeIds, seed, print };
    const { measured, report } = await measureRun(world, plan, { aloneBytes, idleMs: options.idleMs });
    const bare = await measureBare(world, bareProgram, measured);
    const runs = [report];
    hosts.send({ t: 'slow', ms: options.slowMs });
    for (const planned of plan.runs.slice(1).filter(({ name }) => options.runs?.includes(name) ?? true)) {
      await untilUp(world);
      runs.push((await carryOutRun(world, planned)).report);
    }
    await untilQuiet(world, folders);
    const audit = await checkAudit(sql);
    const problems = [...checkHistory(await readHistory(sql, folders)), ...audit.problems];
    const tookMs = performance.now() - startedMs;
    return { seed, nodes: hosts.nodeCount, enrolledMs, measured, bare, runs, auditRows: audit.rows, problems, tookMs };
  };
  try {
    return await Promise.race([work(), failed]);
  } finally {
    await hosts.stop();
    await sql.end({ timeout: 1 });
    for (const file of [program, bareProgram]) rmSync(file, { force: true });
  }
}

/** The whole of it: the product, its nodes, the runs, and what the checker says of them. Leaves nothing behind. */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const root = mkdtempSync(join(tmpdir(), 'fleet-'));
  // PostgreSQL's own user has to pass.
  chmodSync(root, 0o755);
  const folder = join(root, 'nodes');
  mkdirSync(folder, { mode: 0o700 });
  const dataDir = join(root, 'product');
  try {
    const stack = await startStandaloneStack(options.home, dataDir, await freePort());
    try {
      return await runAll(options, stack, folder);
    } catch (error) {
      options.print(stack.output());
      throw error;
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
