import { rolloutAtOnce, type RunDetail, type RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { loadConfirmedPlans } from './confirmed-plans.ts';
import { makeRun, makeTarget, wavesOf } from './make-run.ts';
import { checkRequest, parseContent, rolloutFor, type RunContent } from './run-content.ts';
import { toRunDetail, toRunTarget } from './run-row.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import type { Requester, StartRunParts } from './start-parts.ts';
import { checkOpensInTime, windowRuleOf } from './window-rule.service.ts';
import { createStoreRun, SIGN_FIRST, type Alongside, type Draft } from './store-run.ts';

export type { Requester, RunApprovals, StartRunParts } from './start-parts.ts';
export type { Alongside } from './store-run.ts';

/** What one statement can be about; the shape of an order has the same bound. */
const MOST_APPROVED = 5_000;

/** The run that this person has started with the same key already; CONFLICT when it has other content. */
async function findByKey({ runs, detailOf }: StartRunParts, run: RunRecord): Promise<RunDetail | null> {
  if (run.idempotencyKey === null) return null;
  const known = await runs.findByKey(run.requesterId, run.idempotencyKey);
  if (known === null) return null;
  if (known.requestHash === run.requestHash) return detailOf(known);
  throw new HaubanError('CONFLICT', 'This idempotency key was used for a run with other content.');
}

/** What no approval can be about, in one sentence. */
function checkApprovable(
  { strategy }: RunRequest,
  content: RunContent,
  { nodeIds, hashes }: { readonly nodeIds: readonly string[]; readonly hashes: ReadonlySet<string> },
): void {
  const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);
  if (nodeIds.length > MOST_APPROVED)
    throw bad(`Approvals are for ${MOST_APPROVED} nodes at most: make more runs of it.`);
  if (content.steps.length > 1)
    throw bad('An approval is about one action: start the steps that need one as runs of their own.');
  if (typeof strategy === 'object' && strategy.onFailure === 'undo')
    throw bad('To undo what needs an approval needs another one: choose onFailure stop.');
  if (hashes.size > 1)
    throw bad('An approval is about one plan, and these nodes have different ones: start a run for each.');
}

/** The run that is tried again, and the plans that were confirmed for it; null: none were. */
export interface Retry {
  readonly of: string;
  readonly planHashes: ReadonlyMap<string, string> | null;
}

/** What was worked out before anything is stored. */
interface Prepared {
  readonly run: RunRecord;
  readonly fresh: readonly TargetRecord[];
  readonly needed: number;
}

/** Those that are here go first: a canary that is away proves nothing. */
const onlineFirst = (nodeIds: readonly string[], isOnline: (nodeId: string) => boolean): readonly string[] => [
  ...nodeIds.filter(isOnline),
  ...nodeIds.filter((nodeId) => !isOnline(nodeId)),
];

const NOT_CONFIRMED = 'Left out: no plan of this node was confirmed.';

/** Rows of a run, from what was asked for. */
function createDrafting(parts: StartRunParts) {
  const { actions, approvals, runs, targets, links, windows, clock } = parts;
  return async (
    request: RunRequest,
    requester: Requester,
    more: { readonly nodeIds: readonly string[]; readonly retry: Retry | null },
  ): Promise<Prepared> => {
    const { nodeIds, retry } = more;
    const retryOf = retry?.of ?? null;
    checkRequest(request, nodeIds);
    const content = await parseContent(request, actions);
    const confirmed = retry === null ? await loadConfirmedPlans(request, content, { runs, targets }) : retry.planHashes;
    const { isHighRisk } = content;
    const byAnother = requester.decision?.needsApproval === true;
    const { count: needed, waitMs } = approvals.neededFor({ isHighRisk, mode: request.mode, byAnother });
    const hashes = new Set(confirmed?.values());
    if (needed > 0) checkApprovable(request, content, { nodeIds, hashes });
    const windowRule = windowRuleOf(request, content);
    const judge = windowRule === 'bound' ? await windows.read(null) : null;
    const verdicts = judge === null ? new Map<string, never>() : await judge(nodeIds);
    // What a window binds is signed when its order is released, never before.
    const atOnce = verdicts.size === 0 ? null : rolloutAtOnce(nodeIds.length);
    const rollout = rolloutFor(request, content, nodeIds.length) ?? atOnce;
    const making = { request, requester, content, nodeIds, rollout, needed, waitMs, retryOf, windowRule };
    const made = makeRun(making, clock.nowMs());
    checkOpensInTime(verdicts, made.expiresAt);
    // People approve the plan with the run; else each node gets its own.
    const [only = null] = needed > 0 ? hashes : [];
    const run = { ...made, planHash: made.planHash ?? only };
    const waves = wavesOf(rollout, rollout === null ? nodeIds : onlineFirst(nodeIds, links.isOnline));
    const fresh = nodeIds.flatMap((nodeId) =>
      content.steps.map((_step, position) => {
        const planHash = confirmed?.get(nodeId) ?? null;
        const target = makeTarget(run, { nodeId, position, wave: waves.get(nodeId) ?? 0, needed, byAnother, planHash });
        const isLeftOut = confirmed !== null && planHash === null;
        return isLeftOut ? leaveOut(target, clock.nowMs()) : target;
      }),
    );
    return { run, fresh, needed };
  };
}

const leaveOut = (target: TargetRecord, finishedAt: number): TargetRecord => ({
  ...target,
  state: 'cancelled',
  code: 'PLAN_CHANGED',
  detail: NOT_CONFIRMED,
  finishedAt,
});

/** Checks a request, signs its orders, stores all of it at once, sends. */
export function createStartRun(parts: StartRunParts) {
  const { runs, nodes, signing, dispatch, clock } = parts;
  const draft = createDrafting(parts);

  const signFirst = async (run: RunRecord, target: TargetRecord): Promise<Draft> => {
    if (target.finishedAt !== null) return { target, outcome: null };
    const outcome = await signing.sign(run, target);
    if (outcome.kind === 'away') return { target, outcome };
    if (outcome.kind === 'refused') {
      const { code, detail } = outcome;
      return { target: { ...target, state: 'refused', code, detail, finishedAt: clock.nowMs() }, outcome };
    }
    const { jws, orderHash } = outcome;
    return { target: { ...target, jws, orderHash, ...dispatch.placeOf(target.nodeId) }, outcome };
  };

  const store = createStoreRun(parts);

  return async (
    request: RunRequest,
    requester: Requester,
    retry: Retry | null = null,
    alongside?: Alongside,
  ): Promise<RunDetail> => {
    const nodeIds = [...new Set(request.nodes ?? [])].sort();
    const { run: made, fresh, needed } = await draft(request, requester, { nodeIds, retry });
    const known = await findByKey(parts, made);
    if (known !== null) return known;
    const names = new Map((await nodes.findMany(nodeIds)).map((node) => [node.id, node.hostName]));
    const unknown = nodeIds.find((id) => !names.has(id));
    if (unknown !== undefined) throw new HaubanError('NOT_FOUND', `There is no node with the id ${unknown}.`);
    const isSignedFirst = fresh.length <= SIGN_FIRST && needed === 0 && made.rollout === null;
    const drafts = isSignedFirst
      ? await Promise.all(fresh.map((target) => signFirst(made, target)))
      : fresh.map((target) => ({ target, outcome: null }));
    const openTargets = drafts.filter(({ target }) => target.finishedAt === null).length;
    const run = { ...made, openTargets, finishedAt: openTargets === 0 ? clock.nowMs() : null };
    try {
      await store({ run, drafts, names, needed, requester, ...(alongside === undefined ? {} : { alongside }) });
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
