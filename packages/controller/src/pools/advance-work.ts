import { countOf } from '@hauban/shared/actions';
import type { RunDetail, RunTarget } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Tx } from '../db/transaction.ts';
import type { PoolsParts } from './pools.service.ts';
import { FAILED_COMPARE, type DriftRepository, type SeenDrift } from './drift.repository.ts';
import type { PoolWorkRepository, WorkChunk, WorkRecord } from './pool-work.repository.ts';
import type { ItemRecord, PoolRecord, PoolsRepository } from './pools.repository.ts';
import { readCompared } from './read-compared.ts';
import { areasOfWish } from './wish-areas.ts';
import { alone, chunksFor } from './work-chunks.ts';

export interface AdvanceParts {
  readonly pools: PoolsRepository;
  readonly drift: DriftRepository;
  readonly work: PoolWorkRepository;
  readonly runs: Pick<PoolsParts['runs'], 'start'> & { get(runId: string): Promise<RunDetail> };
  readonly links: { isOnline(nodeId: string): boolean };
  /** May this still be done in the name of who asked for it, long after the request? */
  readonly judgeRelease: (
    requester: { readonly id: string; readonly via: string },
    actions: readonly string[],
    nodeIds: readonly string[],
  ) => Promise<{ readonly isGone: boolean; readonly forbidden: ReadonlySet<string> }>;
  readonly audit: AuditService;
  readonly clock: Clock;
}

/** Compares and repairs of one work: something that another one breaks each time would never end. */
const MOST_ROUNDS = 30;
/** Orders of one node at once: they wait for each other's locks anyway. */
const ORDERS_AT_ONCE = 2;
const START_WITHIN_MS = 600_000;

/** Ended without having been tried: it is made again. */
const UNTRIED: readonly string[] = ['expired', 'cancelled', 'superseded'];
const GOOD: readonly string[] = ['succeeded', 'unchanged'];

/** What there is to know for a step. */
interface Here {
  readonly tx: Tx;
  readonly work: WorkRecord;
  readonly pool: PoolRecord;
  /** What is wished; of a compare of some wishes those. */
  readonly items: readonly ItemRecord[];
}

/** A compare that looks at some wishes only: what else there is stays as it was seen. */
const isOfSome = ({ kind, items }: WorkRecord): boolean => kind === 'compare' && items !== null;

const targetOf = (run: RunDetail | undefined): RunTarget | undefined => run?.targets[0];
const reasonOf = (target: RunTarget | undefined): string => target?.detail.slice(0, 500) ?? 'nothing is known of it';

/** The end of a work. */
function createFinish({ work: works, audit, clock }: AdvanceParts) {
  return async ({ tx, work, pool }: Here, isWell: boolean, says: string, failed = work.failed): Promise<void> => {
    await works.set(tx, work.id, { isWell, says, failed, chunks: [], finishedAt: clock.nowMs() });
    if (work.kind === 'compare') return;
    const { id, nodeId, kind, done } = work;
    const detail = { poolId: pool.id, pool: pool.name, nodeId, workId: id, kind, done, says };
    audit.record(tx, { code: isWell ? 'A3036I' : 'A3037W', who: work.requester.name, detail });
  };
}

/** Makes the orders that are written down and not made yet. */
function createOrders(parts: AdvanceParts) {
  const { runs, links, work: works, judgeRelease } = parts;
  const finish = createFinish(parts);
  const start = async ({ work, pool, items }: Here, chunk: WorkChunk): Promise<string> => {
    const known = new Map(items.map((item) => [item.id, item]));
    const isCompare = work.phase === 'compare';
    const args = {
      items: chunk.items.flatMap((id) => {
        const item = known.get(id);
        return item === undefined ? [] : [{ action: item.action, args: item.args }];
      }),
    };
    // What only reads is the pool's own; what changes is in the name of who asked for it.
    const by = isCompare ? ({ id: 'pool', name: `pool ${pool.name}`, via: 'system' } as const) : work.requester;
    const reason = work.reason ?? `pool ${pool.name}`;
    const made = await runs.start(
      {
        action: isCompare ? 'state.compare' : 'state.apply',
        args,
        nodes: [work.nodeId],
        mode: 'apply',
        reason,
        idempotencyKey: chunk.key,
        startWithinMs: START_WITHIN_MS,
      },
      { ...by, address: null },
    );
    return made.id;
  };
  const isAllowed = async (here: Here): Promise<boolean> => {
    const { work, items } = here;
    if (work.phase === 'compare') return true;
    const actions = [...new Set(['state.apply', ...items.map(({ action }) => action)])];
    const { isGone, forbidden } = await judgeRelease(work.requester, actions, [work.nodeId]);
    return !isGone && !forbidden.has(work.nodeId);
  };

  return async (here: Here, chunks: readonly WorkChunk[], underWay: number): Promise<void> => {
    const { tx, work, pool } = here;
    const waiting = chunks.filter(({ runId }) => runId === null).slice(0, ORDERS_AT_ONCE - underWay);
    if (waiting.length === 0) return;
    if (!links.isOnline(work.nodeId)) return works.set(tx, work.id, { chunks, says: 'Waits for the node.' });
    if (!(await isAllowed(here))) return finish(here, false, `${work.requester.name} may not do this there any more.`);
    const made = new Map<string, string>();
    for (const chunk of waiting) made.set(chunk.key, await start(here, chunk));
    const says = work.phase === 'compare' ? 'Compares.' : `Puts right; ${countOf(work.done, 'wish', 'wishes')} so far.`;
    return works.set(tx, work.id, {
      chunks: chunks.map((chunk) => {
        const runId = made.get(chunk.key);
        return runId === undefined ? chunk : { ...chunk, runId, version: pool.version };
      }),
      says,
    });
  };
}

/** What all compares of a phase have seen; or why that is not known. */
function seenBy(
  chunks: readonly WorkChunk[],
  ended: ReadonlyMap<string, RunDetail>,
): readonly SeenDrift[] | { readonly why: string; readonly isUntried: boolean; readonly isRefused: boolean } {
  const seen: SeenDrift[] = [];
  for (const { key, items } of chunks) {
    const target = targetOf(ended.get(key));
    const state = target?.state ?? 'failed';
    if (!GOOD.includes(state))
      return { why: reasonOf(target), isUntried: UNTRIED.includes(state), isRefused: state === 'refused' };
    const compared = readCompared(target?.data, items);
    if (compared === null)
      return { why: 'The node answered with what is no comparison.', isUntried: false, isRefused: false };
    seen.push(...compared);
  }
  return seen;
}

/** When the node saw the change that this wish is about; null: it did not say, or that is before it was in order last. */
function changedAt(work: WorkRecord, action: string | undefined, comparedAt: number, now: number): number | null {
  if (work.hinted === null || action === undefined) return null;
  const times = areasOfWish(action).flatMap((area) => work.hinted?.[area] ?? []);
  return times.length === 0
    ? null
    : Math.min(now, Math.max(comparedAt, ...times.toSorted((a, b) => a - b).slice(0, 1)));
}

/** Keeps what a compare has seen. Gives the differences that a person has said are meant to be. */
function createKeeping({ drift, audit, clock }: AdvanceParts) {
  return async ({ tx, work, pool, items }: Here, seen: readonly SeenDrift[]): Promise<ReadonlySet<string>> => {
    const { id: poolId } = pool;
    const { nodeId } = work;
    const seenAt = clock.nowMs();
    const before = new Map((await drift.ofNode(tx, poolId, nodeId)).map((one) => [one.itemId, one]));
    const comparedAt = (await drift.node(tx, poolId, nodeId))?.comparedAt ?? 0;
    const actionOf = new Map(items.map(({ id, action }) => [id, action]));
    const timed = seen.map((one) => ({
      ...one,
      changedAt: changedAt(work, actionOf.get(one.itemId), comparedAt, seenAt),
    }));
    await drift.put(tx, { poolId, nodeId, seenAt, items: isOfSome(work) ? [...actionOf.keys()] : null }, timed);
    if (isOfSome(work)) await drift.countAgain(tx, poolId, nodeId);
    else {
      const inOrder = items.length - seen.length;
      // What was wished when the first of the orders was made: a node that was asked about less is compared again soon.
      const version = Math.min(pool.version, ...work.chunks.map((chunk) => chunk.version ?? 0));
      await drift.putNode(tx, { poolId, nodeId, comparedAt: seenAt, version, inOrder });
    }
    const fresh = seen.filter(({ itemId, hash }) => before.get(itemId)?.hash !== hash);
    if (fresh.length > 0) {
      const says = fresh.slice(0, 5).map((one) => one.says);
      const detail = { poolId, pool: pool.name, nodeId, count: fresh.length, says };
      audit.record(tx, { code: 'A3038W', who: 'system', detail });
    }
    const isAdopted = ({ itemId, hash }: SeenDrift): boolean => {
      const known = before.get(itemId);
      return known?.hash === hash && known.adoptedAt !== null;
    };
    return new Set(seen.filter(isAdopted).map(({ itemId }) => itemId));
  };
}

/** After a compare: what was seen is kept, and what can be put right is ordered. */
function createCompareEnd(parts: AdvanceParts) {
  const { drift, work: works, clock } = parts;
  const finish = createFinish(parts);
  const keep = createKeeping(parts);

  const goOn = async (here: Here, left: readonly SeenDrift[]): Promise<void> => {
    const { tx, work, items } = here;
    const asked = work.items === null ? null : new Set(work.items);
    const scope = left.filter(({ itemId }) => asked === null || asked.has(itemId));
    if (scope.length === 0) return finish(here, true, `As wished: ${countOf(work.done, 'wish', 'wishes')} put right.`);
    const able = new Set(
      scope.filter((one) => one.state === 'differs' && work.failed[one.itemId] === undefined).map((one) => one.itemId),
    );
    const rest = scope[0];
    if (able.size === 0 || work.round >= MOST_ROUNDS) {
      const first = rest === undefined ? '' : (work.failed[rest.itemId] ?? rest.says);
      const failed = { ...Object.fromEntries(scope.map((one) => [one.itemId, one.says])), ...work.failed };
      return finish(here, false, `${countOf(scope.length, 'wish', 'wishes')} could not be put right: ${first}`, failed);
    }
    const next = { ...work, phase: 'apply' as const };
    const chunks = chunksFor(
      { ...next, round: work.round + 1 },
      items.filter(({ id }) => able.has(id)),
    );
    return works.set(tx, work.id, { phase: 'apply', round: work.round + 1, chunks });
  };

  return async (here: Here, ended: ReadonlyMap<string, RunDetail>): Promise<void> => {
    const { tx, work, pool, items } = here;
    const all = seenBy(work.chunks, ended);
    if ('why' in all) {
      if (all.isUntried && work.round < MOST_ROUNDS)
        return works.set(tx, work.id, { round: work.round + 1, chunks: [] });
      // What a node refuses it refuses each time; what failed otherwise (it was busy, or killed) is tried again soon.
      const version = all.isRefused ? pool.version : FAILED_COMPARE;
      const comparedAt = clock.nowMs();
      if (!isOfSome(work) || !all.isRefused)
        await drift.putNode(tx, { poolId: pool.id, nodeId: work.nodeId, comparedAt, version, inOrder: 0 });
      return finish(here, false, `It could not be compared: ${all.why}`);
    }
    const known = new Set(items.map(({ id }) => id));
    const seen = all.filter(({ itemId }) => known.has(itemId));
    const adopted = await keep(here, seen);
    // Who names a difference wants it put right, adopted or not.
    const isNamed = (itemId: string): boolean => work.kind !== 'compare' && work.items?.includes(itemId) === true;
    const left = seen.filter(({ itemId }) => !adopted.has(itemId) || isNamed(itemId));
    if (work.kind === 'compare')
      return finish(
        here,
        left.length === 0,
        left.length === 0 ? 'As wished.' : `Differs in ${countOf(left.length, 'wish', 'wishes')}.`,
      );
    return goOn(here, left);
  };
}

/** After orders that put right: what failed together is tried alone; then it is compared again. */
function createApplyEnd({ work: works }: AdvanceParts) {
  return async ({ tx, work }: Here, ended: ReadonlyMap<string, RunDetail>): Promise<void> => {
    const failed: Record<string, string> = { ...work.failed };
    const again: WorkChunk[] = [];
    let done = work.done;
    for (const chunk of work.chunks) {
      const target = targetOf(ended.get(chunk.key));
      const [only] = chunk.items;
      if (target !== undefined && GOOD.includes(target.state)) done += chunk.items.length;
      else if (UNTRIED.includes(target?.state ?? '')) continue;
      else if (chunk.items.length > 1) again.push(...alone(chunk));
      else if (only !== undefined) failed[only] = reasonOf(target);
    }
    if (again.length > 0) return works.set(tx, work.id, { done, failed, chunks: again });
    return works.set(tx, work.id, { done, failed, phase: 'compare', round: work.round + 1, chunks: [] });
  };
}

/** One step of one work, in the transaction that holds it. Orders are made once, whatever dies meanwhile. */
export function createAdvanceWork(parts: AdvanceParts) {
  const { work: works, pools, runs } = parts;
  const [order, finish] = [createOrders(parts), createFinish(parts)];
  const [compareEnd, applyEnd] = [createCompareEnd(parts), createApplyEnd(parts)];

  const step = async (here: Here): Promise<void> => {
    const { work, items } = here;
    if (items.length === 0) return finish(here, true, 'Nothing is wished of this pool.');
    if (work.chunks.length === 0) {
      if (work.phase === 'compare') return order(here, chunksFor(work, items), 0);
      return works.set(here.tx, work.id, { phase: 'compare', round: work.round + 1 });
    }
    const made = work.chunks.filter(({ runId }) => runId !== null);
    const details = await Promise.all(made.map(async ({ key, runId }) => [key, await runs.get(runId ?? '')] as const));
    const ended = new Map(details.filter(([, { finishedAt }]) => finishedAt !== null));
    if (ended.size < work.chunks.length) return order(here, work.chunks, made.length - ended.size);
    return work.phase === 'compare' ? compareEnd(here, ended) : applyEnd(here, ended);
  };

  return async (tx: Tx, workId: string): Promise<void> => {
    const work = await works.tryLock(tx, workId);
    const pool = work === null ? null : await pools.find(work.poolId);
    if (work === null || pool === null) return;
    const wished = await pools.items(pool.id);
    const here: Here = {
      tx,
      work,
      pool,
      items: isOfSome(work) ? wished.filter(({ id }) => work.items?.includes(id)) : wished,
    };
    try {
      await step(here);
    } catch (error) {
      if (!(error instanceof HaubanError) || error.code === 'DATABASE') throw error;
      // What is wished was changed between two steps: it is looked at anew.
      if (error.code === 'CONFLICT' && work.round < MOST_ROUNDS)
        return works.set(tx, work.id, { phase: 'compare', round: work.round + 1, chunks: [] });
      await finish(here, false, error.detail);
    }
  };
}
