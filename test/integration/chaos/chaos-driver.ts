/**
 * Runs inside a disposable node of the lab, as root, with everything around it free to break: starts the product as
 * `npm start` does, kills its parts with kill -9 in the middle of actions and of a shell, and compares what the product
 * says with what the machine and the disk say. Prints one line of JSON, the report, at the end.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricReply, NodePage } from '@hauban/shared/api';
import type { AuditRecord } from '@hauban/shared/audit';
import postgres from 'postgres';
import { verifyAuditChain } from '../../../packages/controller/src/audit/audit-chain.ts';
import { makeFirstAccount, runOnNode, signInFirstAccount, type RestClient } from '../../support/first-account.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../../support/standalone-stack.ts';
import { waitFor } from '../../support/wait-for.ts';
import { chaosProblems, REPORT_MARK, type CaseReport, type ChaosReport, type ShellReport } from './chaos-report.ts';
import { endCounter, startCounter } from './chaos-shell.ts';
import { createJournalWatch } from './journal-watch.ts';
import { ACTIONS, planChaos, type ChaosAction } from './plan-chaos.ts';
import { nextErrand, runCase, runErrand, SWITCHED, untilWhole, type ChaosWorld } from './run-case.ts';

const STORED_PERIOD_MS = 10_000;
/** The launcher needs a moment to see that a child is gone; a tick falls just before or after. */
const EDGE_MS = 1_500;

async function findNode(client: RestClient): Promise<string> {
  return await waitFor('the node is up', async () => {
    const { nodes } = await client.call<NodePage>('GET', '/api/nodes');
    return nodes[0]?.state === 'up' ? nodes[0].id : null;
  });
}

/** One of each action without a kill: it has to work at all, and its time says where the middle is. */
async function measureActions(world: ChaosWorld, usualMs: Map<ChaosAction, number>): Promise<void> {
  for (const action of ACTIONS) {
    const errand = nextErrand(world, action);
    const startedMs = performance.now();
    const { run } = await runErrand(world, errand, `chaos-warm-${action}`);
    usualMs.set(action, performance.now() - startedMs);
    const target = run.targets[0];
    const problems = await errand.check(true);
    if (target?.state !== 'succeeded' || problems.length > 0)
      throw new Error(`${action} does not work without a kill: ${JSON.stringify(target)} ${problems.join('; ')}`);
  }
  process.stderr.write(
    `chaos: usual times ${[...usualMs].map(([name, ms]) => `${name} ${Math.round(ms)} ms`).join(', ')}\n`,
  );
}

function connect(dataDir: string): postgres.Sql {
  const folder = join(dataDir, 'postgres');
  const password = readFileSync(join(folder, 'password'), 'utf8').trim();
  return postgres({ host: join(folder, 'socket'), port: 5432, user: 'hauban', password, database: 'hauban', max: 1 });
}

async function checkAudit(sql: postgres.Sql): Promise<ChaosReport['audit']> {
  const rows = await sql<AuditRecord[]>`
    SELECT seq::int AS seq, at::float8 AS at, code, who, address, node_id AS "nodeId", host_name AS "hostName",
      order_id AS "orderId", outcome, detail, prev_hash AS "prevHash", hash
    FROM audit_entry ORDER BY seq`;
  const verdict = verifyAuditChain(rows);
  return { rows: rows.length, problems: verdict.ok ? [] : [`row ${verdict.seq}: ${verdict.problem}`] };
}

/** No chunk twice, no tick twice, and none missing but while there was no link process. */
async function checkMetrics(
  world: ChaosWorld,
  client: RestClient,
  sql: postgres.Sql,
  window: { readonly fromMs: number; readonly toMs: number },
): Promise<ChaosReport['metrics']> {
  const { fromMs, toMs } = window;
  const query = `series=mem.used_bytes,sys.load1&from=${fromMs}&to=${toMs}&points=2000`;
  const reply = await client.call<MetricReply>('GET', `/api/nodes/${world.nodeId}/metrics?${query}`);
  const values = reply.series.find(({ name }) => name === 'mem.used_bytes')?.values ?? [];
  const there = reply.times.filter((_time, index) => values[index] !== null && values[index] !== undefined);
  const problems: string[] = [];
  if (reply.stepMs !== STORED_PERIOD_MS) problems.push(`the window is answered in steps of ${reply.stepMs} ms`);
  there.forEach((time, index) => {
    const before = there[index - 1];
    if (before !== undefined && time <= before) problems.push(`${time} comes after ${before}`);
  });
  let missing = 0;
  for (let at = Math.ceil(fromMs / STORED_PERIOD_MS) * STORED_PERIOD_MS; at <= toMs; at += STORED_PERIOD_MS) {
    if (there.some((time) => Math.abs(time - at) < STORED_PERIOD_MS / 2)) continue;
    const isExcused = world.deadLink.some((dead) => at >= dead.fromMs - EDGE_MS && at <= dead.toMs + EDGE_MS);
    if (isExcused) missing += 1;
    else problems.push(`no tick at ${new Date(at).toISOString()}, though the link process ran`);
  }
  const chunks = await sql<{ start: number; end: number; ticks: number }[]>`
    SELECT start_ms::float8 AS start, end_ms::float8 AS end, ticks FROM metric_chunk ORDER BY end_ms`;
  chunks.forEach((chunk, index) => {
    const before = chunks[index - 1];
    if (before !== undefined && chunk.ticks > 0 && chunk.end <= before.end)
      problems.push(`two chunks end at ${chunk.end}`);
  });
  const ticks = chunks.reduce((sum, chunk) => sum + chunk.ticks, 0);
  const span = (chunks.at(-1)?.end ?? 0) - (chunks[0]?.start ?? 0);
  if (ticks > span / STORED_PERIOD_MS + 1) problems.push(`${ticks} ticks are stored for ${span} ms`);
  return { ticks, missing, problems };
}

/** Stops all in order and starts it again: what was open is sealed, and the controller's memory is empty. */
async function restartAll(home: string, stack: StandaloneStack, port: number): Promise<StandaloneStack> {
  const status = await stack.stop();
  if (status !== 0) throw new Error(`the launcher ended with ${String(status)}:\n${stack.output()}`);
  return await startStandaloneStack(home, stack.dataDir, port);
}

async function main(home: string, dataDir: string, seed: number, kills: number): Promise<ChaosReport> {
  const startedMs = performance.now();
  const port = await freePort();
  let stack = await startStandaloneStack(home, dataDir, port);
  try {
    const client = await makeFirstAccount(stack);
    const nodeId = await findNode(client);
    const windowFromMs = Date.now();
    const journal = createJournalWatch(dataDir);
    const usualMs = new Map<ChaosAction, number>();
    let number = 0;
    const world: ChaosWorld = {
      ...{ stack, client, nodeId, seed, journal, usualMs, banned: [], deadLink: [] },
      nextNumber: () => (number += 1),
    };
    const made = await runOnNode(client, nodeId, 'account.create', { ...SWITCHED, phpVersion: '8.2' });
    if (made.state !== 'succeeded') throw new Error(`the first account was not made: ${made.state} ${made.detail}`);
    await measureActions(world, usualMs);

    const cases: CaseReport[] = [];
    const shells: ShellReport[] = [];
    for (const [round, targets] of planChaos(seed, kills).rounds.entries()) {
      await untilWhole(world);
      const shell = await startCounter(client, nodeId);
      for (const one of targets) cases.push(await runCase(world, round, one));
      await untilWhole(world);
      shells.push(await endCounter(client, shell, round));
    }

    const windowToMs = Date.now();
    stack = await restartAll(home, stack, port);
    const again = await signInFirstAccount(stack.url);
    const sql = connect(dataDir);
    await waitFor(
      'every chunk of metrics has arrived',
      async () => {
        const [newest] = await sql<{ end: number }[]>`SELECT max(end_ms)::float8 AS end FROM metric_chunk`;
        return (newest?.end ?? 0) > windowToMs - STORED_PERIOD_MS - EDGE_MS;
      },
      { timeoutMs: 60_000, intervalMs: 500 },
    );
    const metrics = await checkMetrics(world, again, sql, { fromMs: windowFromMs, toMs: windowToMs });
    const audit = await checkAudit(sql);
    await sql.end();
    journal.look();
    const journalReport = { orders: journal.orders, problems: journal.problems() };
    return { seed, cases, shells, metrics, audit, journal: journalReport, tookMs: performance.now() - startedMs };
  } catch (error) {
    process.stderr.write(`--- launcher\n${stack.output()}\n`);
    printWarnings(dataDir);
    printProcesses();
    throw error;
  } finally {
    await stack.stop();
  }
}

/** Where every process stands, as the kernel sees it. */
function printProcesses(): void {
  const read = (pid: string, name: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8')
        .replaceAll(/\0|\s+/g, ' ')
        .trim();
    } catch (error) {
      return error instanceof Error ? error.name : '?';
    }
  };
  process.stderr.write('--- processes\n');
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const state = /State: (\S+)/.exec(read(pid, 'status'))?.[1] ?? '?';
    const [command, waits, call] = ['cmdline', 'wchan', 'syscall'].map((name) => read(pid, name));
    process.stderr.write(`${pid} ${state} ${waits} [${call}] ${command?.slice(0, 160)}\n`);
  }
}

/** What the parts said that is more than news, for whoever has to find the cause. */
function printWarnings(dataDir: string): void {
  for (const part of ['controller', 'link', 'executor', 'signer']) {
    const lines = readFileSync(join(dataDir, 'logs', `${part}.log`), 'utf8').split('\n');
    const bad = lines.filter((line) => !/"level":(?:30|"info")/.test(line) && line.trim() !== '');
    process.stderr.write(`--- ${part}\n${bad.slice(-40).join('\n')}\n`);
  }
}

const [home = '', dataDir = '', seed = '1', kills = '1'] = process.argv.slice(2);
const report = await main(home, dataDir, Number(seed), Number(kills));
if (chaosProblems(report).length > 0) printWarnings(dataDir);
process.stdout.write(`${REPORT_MARK}${JSON.stringify(report)}\n`);
process.exit(0);
