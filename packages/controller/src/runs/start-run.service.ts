import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@hauban/link';
import type { ActionDefinition } from '@hauban/shared/actions';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { LIMITS, type ApprovalStatement } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Together, Transact, Tx } from '../db/transaction.ts';
import type { DispatchService } from './dispatch.service.ts';
import type { RunEvents } from './run-events.ts';
import { toRunDetail, toRunTarget } from './run-row.ts';
import type { RunTargetsRepository, TargetRecord } from './run-targets.repository.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import { runStatement, START_WITHIN_MS, type SigningOutcome } from './sign-orders.ts';
import type { SigningService } from './signing-queue.service.ts';

/** Who asks for a run. */
export interface Requester {
  readonly id: string;
  readonly name: string;
  readonly via: 'page' | 'cli' | 'api' | 'system';
  readonly address: string | null;
}

/** What people have to say before a run is signed. */
export interface RunApprovals {
  /** How many of them for such an action, and how long they have. */
  neededFor(of: { readonly isHighRisk: boolean; readonly mode: 'plan' | 'apply' }): {
    readonly count: number;
    readonly waitMs: number;
  };
  ask(
    tx: Tx,
    asked: {
      readonly kind: 'run';
      readonly statement: ApprovalStatement;
      readonly needed: number;
      readonly requester: Pick<Requester, 'id' | 'name' | 'address'>;
    },
  ): void;
}

type Args = Readonly<Record<string, unknown>>;

export interface StartRunParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly actions: {
    find(name: string): ActionDefinition;
    prepare(action: ActionDefinition, args: Args): Promise<Args>;
  };
  readonly nodes: {
    findMany(ids: readonly string[]): Promise<readonly { readonly id: string; readonly hostName: string }[]>;
  };
  readonly signing: SigningService;
  readonly approvals: RunApprovals;
  readonly controllerId: string;
  readonly dispatch: DispatchService;
  readonly events: RunEvents;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly together: Together;
  readonly clock: Clock;
  detailOf(run: RunRecord): Promise<RunDetail>;
}

/** Up to here orders are signed before the run is stored: one commit, then they are sent. Larger runs are signed behind. */
const SIGN_FIRST = 64;

/** What one statement can be about; the shape of an order has the same bound. */
const MOST_APPROVED = 5_000;

interface Draft {
  readonly target: TargetRecord;
  /** Null: not asked yet. */
  readonly outcome: SigningOutcome | null;
}

interface Storing {
  readonly run: RunRecord;
  readonly drafts: readonly Draft[];
  /** Host names by node. */
  readonly names: ReadonlyMap<string, string>;
  /** Approvals of people; 0: none. */
  readonly needed: number;
  readonly requester: Requester;
}

/** The run that this person has started with the same key already; CONFLICT when it has other content. */
async function findByKey({ runs, detailOf }: StartRunParts, run: RunRecord): Promise<RunDetail | null> {
  if (run.idempotencyKey === null) return null;
  const known = await runs.findByKey(run.requesterId, run.idempotencyKey);
  if (known === null) return null;
  if (known.requestHash === run.requestHash) return detailOf(known);
  throw new HaubanError('CONFLICT', 'This idempotency key was used for a run with other content.');
}

/** Checks a request, signs its orders, stores all of it at once, sends. */
export function createStartRun(parts: StartRunParts) {
  const { runs, targets, actions, nodes, signing, dispatch, events, audit, clock } = parts;
  const { transaction, together, approvals, controllerId } = parts;

  const signFirst = async (run: RunRecord, target: TargetRecord): Promise<Draft> => {
    const outcome = await signing.sign(run, target);
    if (outcome.kind === 'away') return { target, outcome };
    if (outcome.kind === 'refused') {
      const { code, detail } = outcome;
      return { target: { ...target, state: 'refused', code, detail, finishedAt: clock.nowMs() }, outcome };
    }
    const { jws, orderHash } = outcome;
    return { target: { ...target, jws, orderHash, ...dispatch.placeOf(target.nodeId) }, outcome };
  };

  const write = (tx: Tx, { run, drafts, names, needed, requester }: Storing): void => {
    const { address } = requester;
    const rows = drafts.map(({ target }) => target);
    runs.add(tx, run);
    targets.add(tx, rows);
    const { id: runId, action, mode, args } = run;
    const detail = { runId, action, mode, args, nodes: rows.length };
    audit.record(tx, { code: 'A3000I', who: run.requester, address, detail });
    if (needed > 0) {
      const nodeIds = rows.map(({ nodeId }) => nodeId);
      approvals.ask(tx, { kind: 'run', statement: runStatement(run, nodeIds, controllerId), needed, requester });
    }
    for (const { target, outcome } of drafts) {
      const hostName = names.get(target.nodeId) ?? null;
      if (outcome !== null) signing.note(tx, run, { ...target, hostName }, outcome);
    }
    tx.afterCommit(() => {
      for (const target of rows)
        if (target.state === 'leased' && target.jws !== null) dispatch.send(target, target.jws);
      if (rows.some(({ jws, finishedAt }) => jws === null && finishedAt === null)) signing.wake();
      events.runChanged(run.id);
    });
  };

  const store = async (storing: Storing): Promise<void> => {
    if (storing.drafts.length <= SIGN_FIRST) await together((tx) => write(tx, storing));
    // More than the parameters of one statement.
    else await transaction(async (tx) => write(tx, storing));
  };

  return async (request: RunRequest, requester: Requester): Promise<RunDetail> => {
    const action = actions.find(request.action ?? '');
    const nodeIds = [...new Set(request.nodes ?? [])].sort();
    checkRequest(request, nodeIds);
    const args = await actions.prepare(action, request.args ?? {});
    const { count: needed, waitMs } = approvals.neededFor({ isHighRisk: action.risk === 'high', mode: request.mode });
    if (needed > 0 && nodeIds.length > MOST_APPROVED)
      throw new HaubanError('BAD_REQUEST', `Approvals are for ${MOST_APPROVED} nodes at most: make more runs of it.`);
    const draft = makeRun({ request, requester, action, args, nodeIds, needed, waitMs }, clock.nowMs());
    const known = await findByKey(parts, draft);
    if (known !== null) return known;
    const names = new Map((await nodes.findMany(nodeIds)).map((node) => [node.id, node.hostName]));
    const unknown = nodeIds.find((id) => !names.has(id));
    if (unknown !== undefined) throw new HaubanError('NOT_FOUND', `There is no node with the id ${unknown}.`);
    const fresh = nodeIds.map((nodeId) => makeTarget(draft, nodeId, needed));
    const isSignedFirst = fresh.length <= SIGN_FIRST && needed === 0;
    const drafts = isSignedFirst
      ? await Promise.all(fresh.map((target) => signFirst(draft, target)))
      : fresh.map((target) => ({ target, outcome: null }));
    const openTargets = drafts.filter(({ target }) => target.finishedAt === null).length;
    const run = { ...draft, openTargets, finishedAt: openTargets === 0 ? clock.nowMs() : null };
    try {
      await store({ run, drafts, names, needed, requester });
    } catch (error) {
      // Somebody else used the key at the same moment.
      const other = runs.isConflict(error) ? await findByKey(parts, run) : null;
      if (other === null) throw error;
      return other;
    }
    return toRunDetail(
      run,
      drafts.map(({ target }) => toRunTarget(target, names.get(target.nodeId) ?? '', null)),
    );
  };
}

function checkRequest(request: RunRequest, nodeIds: readonly string[]): void {
  if (request.planHash !== undefined && (request.mode !== 'apply' || nodeIds.length !== 1)) {
    throw new HaubanError(
      'BAD_REQUEST',
      'planHash confirms the plan of one node: give it with mode apply and one node.',
    );
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(request.reason ?? ''))
    throw new HaubanError('BAD_REQUEST', 'reason is one line of text.');
}

interface RunMaking {
  readonly request: RunRequest;
  readonly requester: Requester;
  readonly action: ActionDefinition;
  readonly args: Args;
  readonly nodeIds: readonly string[];
  readonly needed: number;
  readonly waitMs: number;
}

/** People need time too: what waits for them expires no sooner than that. */
const lifeMs = ({ request, needed, waitMs }: RunMaking): number =>
  Math.min(Math.max(request.startWithinMs ?? START_WITHIN_MS, needed > 0 ? waitMs : 0), LIMITS.orderLifetimeMs);

function makeRun(making: RunMaking, now: number): RunRecord {
  const { request, requester, action, args, nodeIds } = making;
  const { mode } = request;
  const planHash = request.planHash ?? null;
  const reason = request.reason ?? null;
  const content = { action: action.name, mode, args, planHash, reason, nodeIds: [...nodeIds] };
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
    requestHash: sha256Hex(canonicalJson(content)),
    createdAt: now,
    expiresAt: now + lifeMs(making),
    finishedAt: null,
    openTargets: nodeIds.length,
    needsApproval: making.needed > 0,
    approval: null,
  };
}

const people = (count: number): string => (count === 1 ? 'one person' : `${count} people`);

function makeTarget(run: RunRecord, nodeId: string, needed: number): TargetRecord {
  return {
    orderId: randomUUID(),
    runId: run.id,
    nodeId,
    state: 'queued',
    jws: null,
    orderHash: null,
    expiresAt: run.expiresAt,
    code: null,
    detail: needed > 0 ? `Waits for the approval of ${people(needed)}.` : '',
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
