/**
 * Runs: one action on one or more nodes, planned or applied. The queue is the table `run_target`; the node makes one
 * effect of many deliveries.
 *
 *   queued ──link up──> leased ──order.taken──> delivered ──progress──> started
 *      │                  │                         │                     │
 *      │                  └──────────── receipt ────┴─────────────────────┴──> succeeded | unchanged | failed |
 *      │                                                                        refused | undetermined | expired
 *      └── expiry, never sent ──> expired          signer refuses ──> refused
 *
 * A state after `leased` without receipt is only what the node said last. Past the expiry such an order counts as
 * expired (never taken) or undetermined (taken); the node's receipt, however late, is the truth and replaces that.
 */
import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@hauban/link';
import type { ActionDefinition } from '@hauban/shared/actions';
import type { RunDetail, RunQuery, RunRequest, RunRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { LIMITS } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { DispatchService, OrderLinks } from './dispatch.service.ts';
import type { OpenOrders } from './open-orders.ts';
import type { RunEvents } from './run-events.ts';
import { toRunDetail, toRunRow, toRunTarget } from './run-row.ts';
import type { RunTargetsRepository, TargetRecord } from './run-targets.repository.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import type { SigningOutcome } from './sign-orders.ts';

/** Who asks for a run. */
export interface Requester {
  readonly id: string;
  readonly name: string;
  readonly via: 'page' | 'cli' | 'api' | 'system';
  readonly address: string | null;
}

export interface RunsParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly actions: {
    find(name: string): ActionDefinition;
    prepare(
      action: ActionDefinition,
      args: Readonly<Record<string, unknown>>,
    ): Promise<Readonly<Record<string, unknown>>>;
  };
  readonly nodes: {
    findMany(ids: readonly string[]): Promise<readonly { readonly id: string; readonly hostName: string }[]>;
    hostNames(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  };
  readonly dispatch: DispatchService;
  readonly links: OrderLinks;
  readonly events: RunEvents;
  readonly open: OpenOrders;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type RunsService = ReturnType<typeof createRunsService>;

const START_WITHIN_MS = 60_000;
const PAGE = 50;
/** Up to here orders are signed before the run is stored: one commit, then they are sent. Larger runs are signed behind. */
const SIGN_FIRST = 64;
/** A finish at another controller is seen after this. */
const LOOK_AGAIN_MS = 1_000;

type Target = TargetRecord & { readonly outcome: SigningOutcome | null };

export function createRunsService(parts: RunsParts) {
  const { runs, targets, actions, nodes, dispatch, links, events, open, audit, transaction, clock } = parts;

  const detailOf = async (run: RunRecord): Promise<RunDetail> => {
    const records = await targets.ofRun(run.id);
    const names = await nodes.hostNames(records.map(({ nodeId }) => nodeId));
    const rows = records.map((target) =>
      toRunTarget(target, names.get(target.nodeId) ?? target.nodeId, open.momentOf(target.orderId)),
    );
    return toRunDetail(run, rows);
  };

  const findByKey = async (
    requester: Requester,
    run: Pick<RunRecord, 'idempotencyKey' | 'requestHash'>,
  ): Promise<RunDetail | null> => {
    if (run.idempotencyKey === null) return null;
    const known = await runs.findByKey(requester.id, run.idempotencyKey);
    if (known === null) return null;
    if (known.requestHash === run.requestHash) return detailOf(known);
    throw new HaubanError('CONFLICT', 'This idempotency key was used for a run with other content.');
  };

  const signFirst = async (run: RunRecord, target: TargetRecord): Promise<Target> => {
    const outcome = await dispatch.sign(run, target);
    if (outcome.kind === 'away') return { ...target, outcome };
    if (outcome.kind === 'refused') {
      return {
        ...target,
        state: 'refused',
        code: outcome.code,
        detail: outcome.detail,
        finishedAt: clock.nowMs(),
        outcome,
      };
    }
    const isOnline = links.isOnline(target.nodeId);
    const { jws, orderHash } = outcome;
    const place = isOnline ? { state: 'leased' as const, leasedAt: clock.nowMs() } : { state: 'queued' as const };
    return { ...target, jws, orderHash, ...place, outcome };
  };

  /** Stores run, targets and audit rows at once, then sends what can be sent. */
  const store = async (run: RunRecord, all: readonly Target[], requester: Requester): Promise<void> =>
    transaction(async (tx: Tx) => {
      const rows = all.map(({ outcome: _outcome, ...row }) => row);
      await Promise.all([runs.add(tx, run), targets.add(tx, rows)]);
      const { id: runId, action, mode, args } = run;
      const detail = { runId, action, mode, args, nodes: all.length };
      audit.record(tx, { code: 'A3000I', who: requester.name, address: requester.address, detail });
      for (const target of all) {
        if (target.outcome?.kind === 'signed') dispatch.noteSigned(tx, run, target);
        if (target.outcome?.kind === 'refused') dispatch.noteRefused(tx, run, target, target.outcome.code);
      }
      tx.afterCommit(() => {
        for (const target of all)
          if (target.state === 'leased' && target.jws !== null) dispatch.send(target, target.jws);
        if (all.some(({ jws, finishedAt }) => jws === null && finishedAt === null)) dispatch.wake();
        events.runChanged(run.id);
      });
    });

  return {
    onRun: events.onRun,

    start: async (request: RunRequest, requester: Requester): Promise<RunDetail> => {
      const action = actions.find(request.action);
      const nodeIds = [...new Set(request.nodes)].sort();
      checkRequest(request, nodeIds);
      const args = await actions.prepare(action, request.args);
      const run = makeRun({ request, requester, action, args, nodeIds }, clock.nowMs());
      const known = await findByKey(requester, run);
      if (known !== null) return known;
      const found = new Map((await nodes.findMany(nodeIds)).map((node) => [node.id, node.hostName]));
      const unknown = nodeIds.find((id) => !found.has(id));
      if (unknown !== undefined) throw new HaubanError('NOT_FOUND', `There is no node with the id ${unknown}.`);
      const drafts = nodeIds.map((nodeId) => makeTarget(run, nodeId));
      const all =
        drafts.length <= SIGN_FIRST
          ? await Promise.all(drafts.map((target) => signFirst(run, target)))
          : drafts.map((target) => ({ ...target, outcome: null }));
      const isOver = all.every(({ finishedAt }) => finishedAt !== null);
      const stored = {
        ...run,
        openTargets: all.filter(({ finishedAt }) => finishedAt === null).length,
        finishedAt: isOver ? clock.nowMs() : null,
      };
      try {
        await store(stored, all, requester);
      } catch (error) {
        // Somebody else used the key at the same moment.
        const other =
          error instanceof HaubanError && error.code === 'CONFLICT' ? await findByKey(requester, run) : null;
        if (other === null) throw error;
        return other;
      }
      return toRunDetail(
        stored,
        all.map((target) => toRunTarget(target, found.get(target.nodeId) ?? '', null)),
      );
    },

    /** @param waitMs answers as soon as the run has finished, or after this time */
    get: async (runId: string, waitMs = 0): Promise<RunDetail> => {
      const deadline = clock.monotonicMs() + waitMs;
      for (;;) {
        // Before the read: a finish between read and wait must not be missed.
        const leftMs = deadline - clock.monotonicMs();
        const change = events.nextChange(runId, Math.min(leftMs, LOOK_AGAIN_MS));
        const run = await runs.find(runId);
        if (run === null) throw new HaubanError('NOT_FOUND', 'There is no run with this id.');
        if (run.finishedAt !== null || leftMs <= 0 || events.isStopped) return detailOf(run);
        await change;
      }
    },

    list: async (query: RunQuery): Promise<{ runs: RunRow[]; cursor: string | null }> => {
      const limit = query.limit ?? PAGE;
      const records = await runs.list({ ...query, before: parseCursor(query.cursor), limit });
      const counts = await runs.counts(records.map(({ id }) => id));
      const last = records.length < limit ? undefined : records.at(-1);
      return {
        runs: records.map((run) => toRunRow(run, counts.get(run.id) ?? {})),
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
  const match = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor ?? '');
  return match === null ? null : { createdAt: Number(match[1]), id: match[2] ?? '' };
}

function checkRequest(request: RunRequest, nodeIds: readonly string[]): void {
  if (request.planHash !== undefined && (request.mode !== 'apply' || nodeIds.length !== 1)) {
    throw new HaubanError(
      'BAD_REQUEST',
      'planHash confirms the plan of one node: give it with mode apply and one node.',
    );
  }
  const reason = request.reason ?? '';
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(reason)) throw new HaubanError('BAD_REQUEST', 'reason is one line of text.');
}

interface RunMaking {
  readonly request: RunRequest;
  readonly requester: Requester;
  readonly action: ActionDefinition;
  readonly args: Readonly<Record<string, unknown>>;
  readonly nodeIds: readonly string[];
}

function makeRun({ request, requester, action, args, nodeIds }: RunMaking, now: number): RunRecord {
  const { mode } = request;
  const planHash = request.planHash ?? null;
  const reason = request.reason ?? null;
  return {
    id: randomUUID(),
    action: action.name,
    actionVersion: action.version,
    mode,
    args,
    planHash,
    requesterId: requester.id,
    requester: requester.name,
    via: requester.via,
    reason,
    idempotencyKey: request.idempotencyKey ?? null,
    requestHash: sha256Hex(canonicalJson({ action: action.name, mode, args, planHash, reason, nodeIds: [...nodeIds] })),
    createdAt: now,
    expiresAt: now + Math.min(request.startWithinMs ?? START_WITHIN_MS, LIMITS.orderLifetimeMs),
    finishedAt: null,
    openTargets: nodeIds.length,
  };
}

function makeTarget(run: RunRecord, nodeId: string): TargetRecord {
  return {
    orderId: randomUUID(),
    runId: run.id,
    nodeId,
    state: 'queued',
    jws: null,
    orderHash: null,
    expiresAt: run.expiresAt,
    code: null,
    detail: '',
    plan: null,
    verification: [],
    data: null,
    receipt: null,
    leasedAt: null,
    deliveredAt: null,
    startedAt: null,
    finishedAt: null,
  };
}
