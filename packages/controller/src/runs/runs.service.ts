/**
 * Runs: one action, or a sequence of them, on one or more nodes, planned or applied. The queue is the table `run_target`;
 * the node makes one effect of many deliveries.
 *
 *   waiting ──its wave, the step before it (rollout.service.ts)──> queued
 *   queued ──link up──> leased ──order.taken──> delivered ──progress──> started
 *      │                  │                         │                     │
 *      │                  └──────────── receipt ────┴─────────────────────┴──> succeeded | unchanged | failed |
 *      │                                                                        refused | undetermined | expired
 *      └── expiry, never sent ──> expired          signer refuses ──> refused
 *
 * A state after `leased` without receipt is only what the node said last. Past the expiry such an order counts as
 * expired (never taken) or undetermined (taken); the node's receipt, however late, is the truth and replaces that.
 */
import type { RunDetail, RunQuery, RunRequest, RunRow } from '@hauban/shared/api';
import { orderedActions } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { noOlder } from './no-older.ts';
import type { OpenOrders } from './open-orders.ts';
import type { RunEvent } from './run-events.ts';
import { toRunDetail, toRunRow, toRunTarget } from './run-row.ts';
import { MOST_TARGETS, type TargetRecord } from './run-targets.repository.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import { createStartRun, type Requester, type Retry, type StartRunParts } from './start-run.service.ts';
import type { Alongside } from './store-run.ts';

type Readable = (nodeIds: readonly string[]) => Promise<ReadonlySet<string>>;

export interface RunsParts extends Omit<StartRunParts, 'detailOf' | 'nodes'> {
  readonly nodes: StartRunParts['nodes'] & {
    hostNames(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  };
  readonly open: OpenOrders;
}

export interface RunsService {
  /** News of runs, after they are stored; the result ends it. */
  onRun(listener: (event: RunEvent) => void): () => void;
  /**
   * @param waitMs as `get`: one request brings the outcome
   * @param alongside what is stored with the run, or not at all
   */
  start(request: RunRequest, requester: Requester, waitMs?: number, alongside?: Alongside): Promise<RunDetail>;
  /** The same content as another run, for its nodes that did not end well. */
  again(request: RunRequest, requester: Requester, retry: Retry): Promise<RunDetail>;
  /** @param waitMs answers as soon as the run has finished, or after this time */
  get(runId: string, waitMs?: number): Promise<RunDetail>;
  /** @param readable of these nodes, those that the reader may see; null: all. Runs on any other are left out. */
  list(query: RunQuery, readable?: Readable | null): Promise<{ runs: RunRow[]; cursor: string | null }>;
  /** Nodes of a run; null: there is no such run. */
  nodesOf(runId: string): Promise<readonly string[] | null>;
  /** Actions of its steps; empty when there is no such run. */
  actionsOf(runId: string): Promise<readonly string[]>;
}

const PAGE = 50;
/** A finish at another controller is seen after this. */
const LOOK_AGAIN_MS = 1_000;

export function createRunsService(parts: RunsParts): RunsService {
  const { runs, targets, nodes, events, open, clock } = parts;

  const detailOf = async (run: RunRecord, known?: readonly TargetRecord[]): Promise<RunDetail> => {
    const records = known ?? (await targets.ofRun(run.id));
    const names = await nodes.hostNames(records.map(({ nodeId }) => nodeId));
    const rows = records.map((target) =>
      toRunTarget(target, names.get(target.nodeId) ?? target.nodeId, open.momentOf(target.orderId)),
    );
    // Of a large run only some targets are here.
    const counts = records.length > MOST_TARGETS ? (await runs.counts([run.id])).get(run.id) : undefined;
    return toRunDetail(run, rows, counts);
  };

  /** Runs whose nodes are readable, every one. */
  const shownOf = async (runIds: readonly string[], readable: Readable): Promise<ReadonlySet<string>> => {
    const nodesByRun = await targets.nodesOf(runIds);
    const seen = await readable([...nodesByRun.values()].flat());
    return new Set(runIds.filter((id) => nodesByRun.get(id)?.every((nodeId) => seen.has(nodeId)) ?? false));
  };

  const startRun = createStartRun({ ...parts, detailOf });

  const get = async (runId: string, waitMs: number, wasWoken = false): Promise<RunDetail> => {
    const deadline = clock.monotonicMs() + waitMs;
    let isWoken = wasWoken;
    for (;;) {
      const leftMs = deadline - clock.monotonicMs();
      // Before the read: a finish between read and wait must not be missed.
      const change = events.nextChange(runId, Math.min(leftMs, LOOK_AGAIN_MS));
      // The targets too when a part of it has just ended: most runs have one target, and one answer less to wait for.
      const [run, records] = await Promise.all([runs.find(runId), isWoken ? targets.ofRun(runId) : undefined]);
      if (run === null) throw new HaubanError('NOT_FOUND', 'There is no run with this id.');
      if (run.finishedAt !== null || leftMs <= 0 || events.isStopped) return detailOf(run, noOlder(run, records));
      isWoken = await change;
    }
  };

  return {
    onRun: (listener) => events.onRun(listener),
    start: async (request, requester, waitMs = 0, alongside) => {
      const startedMs = clock.monotonicMs();
      const detail = await startRun(request, requester, null, alongside);
      const leftMs = waitMs - (clock.monotonicMs() - startedMs);
      if (detail.finishedAt !== null || leftMs <= 0) return detail;
      // Nothing has been read from a node since the commit: no end can have been missed.
      const isWoken = await events.nextChange(detail.id, Math.min(leftMs, LOOK_AGAIN_MS));
      return get(detail.id, waitMs - (clock.monotonicMs() - startedMs), isWoken);
    },
    again: startRun,
    get: async (runId, waitMs = 0) => get(runId, waitMs),
    nodesOf: async (runId) => (await targets.nodesOf([runId])).get(runId) ?? null,
    actionsOf: async (runId) => {
      const run = await runs.find(runId);
      if (run === null) return [];
      const steps = run.steps.length === 0 ? [run] : run.steps;
      return [...new Set(steps.flatMap(({ action, args }) => orderedActions(action, args).map((one) => one.action)))];
    },
    list: async (query, readable = null) => {
      const limit = query.limit ?? PAGE;
      const records = await runs.list({ ...query, before: parseCursor(query.cursor), limit });
      const ids = records.map(({ id }) => id);
      const [counts, shown] = await Promise.all([runs.counts(ids), readable === null ? null : shownOf(ids, readable)]);
      const last = records.length < limit ? undefined : records.at(-1);
      return {
        runs: records
          .filter(({ id }) => shown === null || shown.has(id))
          .map((run) => toRunRow(run, counts.get(run.id) ?? {})),
        cursor: last === undefined ? null : `${last.createdAt}.${last.id}`,
      };
    },
  };
}

/** Rows as lists show them. */
export async function readRunRows(runs: RunsRepository, runIds: readonly string[]): Promise<RunRow[]> {
  const counts = await runs.counts(runIds);
  return (await runs.findMany(runIds)).map((run) => toRunRow(run, counts.get(run.id) ?? {}));
}

function parseCursor(cursor: string | undefined): { readonly createdAt: number; readonly id: string } | null {
  const match = /^(\d{1,15})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(cursor ?? '');
  return match === null ? null : { createdAt: Number(match[1]), id: match[2] ?? '' };
}
