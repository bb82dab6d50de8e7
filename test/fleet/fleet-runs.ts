import type { RunDetail, RunRequest } from '@hauban/shared/api';
import type { Sql } from 'postgres';
import { RestRefusal, type RestClient } from '../support/first-account.ts';
import type { StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Blow, PlannedRun } from './fleet-plan.ts';
import type { RunReport } from './fleet-report.ts';
import type { NodeHosts } from './node-hosts.ts';

export interface FleetWorld {
  readonly stack: StandaloneStack;
  readonly client: RestClient;
  readonly sql: Sql;
  readonly hosts: NodeHosts;
  readonly nodeIds: readonly string[];
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** Nothing expires while a slow machine works: what is looked for is loss, and an expiry would hide it. */
const START_WITHIN_MS = 3_600_000;
const ENDED_WITHIN_MS = 1_800_000;
const BACK_WITHIN_MS = 120_000;
const RETRY_MS = 200;
const LOOK_MS = 20;

/** A controller that is being started, or whose database is, answers with these or not at all. */
const mayTryAgain = (error: unknown): boolean =>
  !(error instanceof RestRefusal) || error.status >= 500 || error.status === 429;

/** As a program does that trusts nothing but an answer: the same request again. */
async function untilAnswered<T>(what: string, ask: () => Promise<T>): Promise<T> {
  const endsAtMs = performance.now() + BACK_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!mayTryAgain(error)) throw error;
      if (performance.now() > endsAtMs) throw new Error(`${what} was not answered`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Null while the database is away. */
async function askDatabase<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

/** Controller and database run and answer. */
async function untilWhole({ stack, client }: FleetWorld): Promise<void> {
  await waitFor(
    'the controller answers again',
    async () => {
      if (stack.pid('controller') === null || stack.pid('postgres') === null) return null;
      return await client.call('GET', '/api/me').catch((error: unknown) => {
        if (mayTryAgain(error)) return null;
        throw error;
      });
    },
    { timeoutMs: BACK_WITHIN_MS, intervalMs: 100 },
  );
}

/** A node that is killed in the middle of its order may fail; here that is no reason to stop. */
const NEVER_STOPPED = { stopAfter: '100%', stopAfterInCanary: '100%' } as const;

const strategyOf = ({ name }: PlannedRun, nodes: number): RunRequest['strategy'] => {
  if (name === 'measured' || name === 'at once') return 'at-once';
  const inFlight = Math.max(5, Math.ceil(nodes / 10));
  const common = { pauseSeconds: 0, maxInFlight: inFlight };
  if (name === 'waves')
    return { ...common, canary: Math.max(1, Math.ceil(nodes / 100)), waves: ['10%', '30%', '100%'], ...NEVER_STOPPED };
  return { ...common, canary: 0, waves: ['50%'], stopAfter: '4%' };
};

async function strike(world: FleetWorld, blow: Blow): Promise<void> {
  const { stack, hosts } = world;
  if (blow.kind === 'nodes') return hosts.kill(blow.host);
  if (blow.kind === 'links') return hosts.send({ t: 'cut', nodes: blow.nodes });
  // One that dies again and again before it serves is given up by its launcher, which is not looked at here.
  await untilWhole(world);
  const pid = stack.pid(blow.kind === 'database' ? 'postgres' : 'controller');
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

/** Strikes at its moments until the run has ended; what hit it, by kind. */
async function strikeMany(
  world: FleetWorld,
  { name, blows }: PlannedRun,
  hasEnded: () => boolean,
): Promise<Record<string, number>> {
  const { hosts, nodeIds, print } = world;
  const from = hosts.changed;
  const done: Record<string, number> = {};
  for (const blow of blows) {
    const isDue = (): boolean => hasEnded() || (hosts.changed - from) / nodeIds.length >= blow.at;
    await waitFor(`the moment ${blow.at} of run ${name}`, isDue, { timeoutMs: ENDED_WITHIN_MS, intervalMs: LOOK_MS });
    if (hasEnded()) break;
    print(`${name}: ${blow.kind} at ${blow.at.toFixed(3)}, ${hosts.changed - from} changed`);
    await strike(world, blow);
    done[blow.kind] = (done[blow.kind] ?? 0) + 1;
  }
  return done;
}

async function outcomesOf(sql: Sql, runId: string): Promise<Record<string, number>> {
  const rows = await sql<{ state: string; n: number }[]>`
    SELECT state, count(*)::int AS n FROM run_target WHERE run_id = ${runId} GROUP BY state ORDER BY n DESC`;
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

export interface EndedRun {
  readonly id: string;
  /** When the request was sent, Unix ms. */
  readonly askedAt: number;
  readonly report: RunReport;
}

/** Starts a run over all nodes, strikes at its moments, and waits until every node of it has an outcome. */
export async function carryOutRun(world: FleetWorld, planned: PlannedRun): Promise<EndedRun> {
  const { client, sql, nodeIds, seed, print } = world;
  await untilWhole(world);
  const request: RunRequest = {
    action: 'firewall.ban',
    args: { targets: [planned.address], permanent: true },
    nodes: [...nodeIds],
    mode: 'apply',
    strategy: strategyOf(planned, nodeIds.length) ?? 'at-once',
    idempotencyKey: `fleet-${seed}-${planned.name.replaceAll(' ', '-')}`,
    startWithinMs: START_WITHIN_MS,
  };
  let hasEnded = false;
  const askedAt = Date.now();
  const striking = strikeMany(world, planned, () => hasEnded);
  // Looked at when awaited below; a failure before that must not end the process.
  striking.catch((error: unknown) => void error);
  const { id } = await untilAnswered('POST /api/runs', () => client.call<RunDetail>('POST', '/api/runs', request));
  const state = await waitFor(
    `the end of run ${planned.name}`,
    async () => {
      const rows = await askDatabase(
        () => sql<{ state: string }[]>`
        SELECT state FROM run WHERE id = ${id} AND finished_at IS NOT NULL`,
      );
      return rows?.[0]?.state ?? null;
    },
    { timeoutMs: ENDED_WITHIN_MS, intervalMs: LOOK_MS },
  );
  const tookMs = Date.now() - askedAt;
  hasEnded = true;
  const blows = await striking;
  await untilWhole(world);
  const outcomes = await outcomesOf(sql, id);
  print(`${planned.name}: ${state} after ${tookMs} ms: ${JSON.stringify(outcomes)}`);
  return { id, askedAt, report: { name: planned.name, state, outcomes, tookMs, blows } };
}
