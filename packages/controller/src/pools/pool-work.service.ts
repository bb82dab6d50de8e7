import { randomUUID } from 'node:crypto';
import type { PoolWorkRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Random } from '@hauban/shared/time';
import type { Transact, Tx } from '../db/transaction.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { Requester } from '../runs/start-run.service.ts';
import type { BanListsRepository } from './ban-lists.repository.ts';
import { createAdvanceWork, type AdvanceParts } from './advance-work.ts';
import type { ChangeArea } from '@hauban/shared/protocol';
import { createChangeHints, type AreaLink, type ChangeHints, type Hinted } from './change-hints.ts';
import { FAILED_COMPARE, type DriftRecord, type NodeRecord } from './drift.repository.ts';
import type { PoolMemberNode, ReadMembers } from './pool-members.ts';
import type { WorkRecord } from './pool-work.repository.ts';
import type { PoolRecord } from './pools.repository.ts';
import { areasOfWish } from './wish-areas.ts';

export interface PoolWorkParts extends AdvanceParts {
  readonly lists: Pick<BanListsRepository, 'wishIds'>;
  readonly members: ReadMembers;
  readonly transaction: Transact;
  readonly random: Random;
  readonly log: Log;
  readonly links: AdvanceParts['links'] & { linkOf(nodeId: string): AreaLink | null };
}

export type PoolWork = ReturnType<typeof createPoolWork>;

const TICK_MS = 1_000;
const DUE_EVERY_TICKS = 5;
/** Works that are looked at in one tick; of compares so many are begun at once. */
const MOST_OPEN = 100;
const COMPARES_AT_ONCE = 20;
/** Between two compares of a node, whatever happens there. */
const REST_MS = 10_000;
/** After a compare that failed, for whatever reason but a refusal. */
const RETRY_MS = 60_000;
const HOUR_MS = 3_600_000;
const COMPARES_KEPT_MS = 24 * HOUR_MS;

type Asked = Pick<WorkRecord, 'poolId' | 'nodeId' | 'kind' | 'items' | 'requester' | 'reason'> &
  Partial<Pick<WorkRecord, 'hinted'>>;
const SYSTEM = { id: 'pool', via: 'system' } as const;

const makeWork = (asked: Asked, now: number): WorkRecord => ({
  hinted: null,
  ...asked,
  id: randomUUID(),
  phase: 'compare',
  round: 0,
  chunks: [],
  failed: {},
  done: 0,
  says: 'Begins.',
  createdAt: now,
  finishedAt: null,
  isWell: null,
});

/** Nodes of one pool are not all compared in the same minute: up to a tenth later, each by its own. */
const jitter = (nodeId: string): number => 1 + Number.parseInt(nodeId.slice(0, 2), 16) / 2560;

/** Is it time to look at this node again? */
function isDue(pool: PoolRecord, node: PoolMemberNode, known: NodeRecord | undefined, now: number): boolean {
  if (known === undefined) return true;
  if (now - known.comparedAt < REST_MS) return false;
  if (known.version === FAILED_COMPARE) return now - known.comparedAt >= RETRY_MS;
  const isStale = known.version !== pool.version || (node.connectedAt ?? 0) > known.comparedAt;
  return isStale || now - known.comparedAt >= pool.compareMinutes * 60_000 * jitter(node.id);
}

/** One look at all pools. */
interface Round {
  /** Compares that may still be begun. */
  room: number;
  readonly actions: ReadonlyMap<string, readonly string[]>;
  readonly due: ReturnType<ChangeHints['due']>;
  /** Areas that are wanted of each node. */
  readonly wanted: Map<string, Set<ChangeArea>>;
  /** Nodes that were due by their hints: compared in a pool, and not yet in a pool. */
  readonly compared: Set<string>;
  readonly unanswered: Set<string>;
}

/** Which nodes are due for a compare, and what may be put right without a person. */
function createPlanning(parts: PoolWorkParts) {
  const { pools, drift, lists, work: works, members, links, transaction, audit, clock } = parts;

  const add = async (tx: Tx, asked: Asked): Promise<boolean> => works.add(tx, makeWork(asked, clock.nowMs()));

  /** Begins to put this right in the pool's own name, unless something is under way there. */
  const repair = async (pool: PoolRecord, nodeId: string, items: readonly string[]): Promise<void> => {
    const requester = { ...SYSTEM, name: `pool ${pool.name}` };
    await transaction(async (tx) => {
      const asked = { poolId: pool.id, nodeId, kind: 'repair', items, requester, reason: null } as const;
      if (!(await add(tx, asked))) return;
      const detail = { poolId: pool.id, pool: pool.name, nodeId, kind: 'repair', items: items.length };
      audit.record(tx, { code: 'A3035I', who: requester.name, detail });
    });
  };

  /** Ban lists are brought to the nodes whatever else the pool only shows: that is what giving a pool a list means. */
  const bringLists = async (pool: PoolRecord, able: readonly DriftRecord[]): Promise<void> => {
    if (able.length === 0) return;
    const ofLists = await lists.wishIds(pool.id);
    const differs = able.filter(({ itemId }) => ofLists.has(itemId));
    for (const nodeId of new Set(differs.map((one) => one.nodeId)))
      await repair(
        pool,
        nodeId,
        differs.filter((one) => one.nodeId === nodeId).map(({ itemId }) => itemId),
      );
  };

  const repairBySelf = async (pool: PoolRecord, able: readonly DriftRecord[]): Promise<void> => {
    let left = pool.budget - (await works.doneBySystem(pool.id, clock.nowMs() - HOUR_MS));
    // Seen twice: what an order was changing at the first look is no difference.
    const all = able.filter((one) => one.seenAt > one.since);
    for (const nodeId of new Set(all.map((one) => one.nodeId))) {
      const seen = all.filter((one) => one.nodeId === nodeId);
      const items = seen.slice(0, Math.max(0, left)).map(({ itemId }) => itemId);
      if (items.length === 0) return;
      left -= items.length;
      await repair(pool, nodeId, items);
    }
  };

  /** Wishes that lie where this node says that something changed. */
  const touched = async (pool: PoolRecord, hinted: Hinted): Promise<readonly string[]> =>
    (await pools.items(pool.id))
      .filter(({ action }) => areasOfWish(action).some((area) => hinted[area] !== undefined))
      .map(({ id }) => id);

  /** Of one node: all wishes when it is time for them, else those that it gave a hint of. */
  const compare = async (pool: PoolRecord, nodeId: string, isWhole: boolean, round: Round): Promise<boolean> => {
    const hinted = round.due.get(nodeId)?.hinted ?? null;
    const items = isWhole || hinted === null ? null : await touched(pool, hinted);
    if (items?.length === 0) return false;
    const requester = { ...SYSTEM, name: `pool ${pool.name}` };
    const asked = { poolId: pool.id, nodeId, kind: 'compare', items, requester, reason: null, hinted } as const;
    const isBegun = round.room > 0 && (await transaction((tx) => add(tx, asked)));
    // Under way before the hint, it may have looked before the change.
    if (!isBegun) round.unanswered.add(nodeId);
    else if (hinted !== null) round.compared.add(nodeId);
    if (isBegun) round.room -= 1;
    return isBegun;
  };

  const ofPool = async (pool: PoolRecord, round: Round): Promise<void> => {
    const now = clock.nowMs();
    const known = new Map((await drift.nodes(pool.id)).map((node) => [node.nodeId, node]));
    const online = (await members(pool)).filter(({ id }) => links.isOnline(id));
    const here = new Set(online.map(({ id }) => id));
    const areas = (round.actions.get(pool.id) ?? []).flatMap(areasOfWish);
    for (const id of here) round.wanted.set(id, new Set([...(round.wanted.get(id) ?? []), ...areas]));
    if (round.room <= 0 && round.due.size === 0) return;
    const able = (await drift.ofPool(pool.id)).filter(
      (one) => here.has(one.nodeId) && one.state === 'differs' && one.adoptedAt === null,
    );
    await bringLists(pool, able);
    if (pool.repair === 'auto') await repairBySelf(pool, able);
    for (const node of online) {
      const isWhole = isDue(pool, node, known.get(node.id), now);
      if (isWhole || round.due.has(node.id)) await compare(pool, node.id, isWhole, round);
    }
  };
  return { add, ofPool };
}

/** Begins what people ask for. */
function createBeginning(parts: PoolWorkParts) {
  const { work: works, transaction, audit, clock } = parts;
  /** One node's work, or what is under way there already. */
  return async (pool: PoolRecord, nodeId: string, request: PoolWorkRequest, by: Requester): Promise<string> =>
    transaction(async (tx) => {
      const { kind, items, reason } = request;
      const requester = { id: by.id, name: by.name, via: by.via };
      const asked: Asked = {
        poolId: pool.id,
        nodeId,
        kind,
        items: kind === 'repair' ? (items ?? null) : null,
        requester,
        reason: reason ?? null,
      };
      const does = ({ kind: doing, items: some }: WorkRecord): boolean =>
        doing !== 'compare' || (kind === 'compare' && some === null);
      const open = await works.openOn(tx, pool.id, nodeId);
      if (open !== null && does(open)) return open.id;
      // A compare that is under way makes room for what a person wants.
      if (open !== null)
        await works.set(tx, open.id, { finishedAt: clock.nowMs(), isWell: null, says: 'Gave way.', chunks: [] });
      const record = makeWork(asked, clock.nowMs());
      if (!(await works.add(tx, record))) {
        // Somebody else began at the same moment, and has committed: the row that stood in the way is seen now.
        const other = await works.openOn(tx, pool.id, nodeId);
        if (other !== null && does(other)) return other.id;
        throw new HaubanError('CONFLICT', 'Somebody else began something there at this moment: try again.');
      }
      if (kind !== 'compare') {
        const detail = { poolId: pool.id, pool: pool.name, nodeId, kind, workId: record.id, ...by.decision };
        audit.record(tx, { code: 'A3035I', who: by.name, address: by.address, detail });
      }
      return record.id;
    });
}

/** Works on nodes of pools, from the request to the last compare. */
export function createPoolWork(parts: PoolWorkParts) {
  const { pools, drift, work: works, members, transaction, clock, log } = parts;
  const begin = createBeginning(parts);
  const advance = createAdvanceWork(parts);
  const planning = createPlanning(parts);
  const hints = createChangeHints(parts);
  let beat: Beat | null = null;
  let ticks = 0;

  const plan = async (open: readonly WorkRecord[]): Promise<void> => {
    const round: Round = {
      room: COMPARES_AT_ONCE - open.filter(({ kind }) => kind === 'compare').length,
      actions: await pools.actions(),
      due: hints.due(),
      wanted: new Map(),
      compared: new Set(),
      unanswered: new Set(),
    };
    let isWhole = true;
    for (const pool of await pools.all()) {
      try {
        await planning.ofPool(pool, round);
      } catch (error) {
        isWhole = false;
        log.warn({ err: error, pool: pool.name }, 'members of a pool could not be looked at');
      }
    }
    // What a pool that could not be looked at wants of its nodes is not known.
    if (isWhole) hints.ask(round.wanted);
    for (const [nodeId, { upTo }] of round.due)
      if (isWhole && !round.unanswered.has(nodeId)) hints.answered(nodeId, upTo, round.compared.has(nodeId));
    await transaction(async (tx) => works.forgetCompares(tx, clock.nowMs() - COMPARES_KEPT_MS));
  };

  const tick = async (): Promise<void> => {
    const open = await works.open(MOST_OPEN);
    for (const { id } of open) {
      try {
        await transaction((tx) => advance(tx, id));
      } catch (error) {
        // Its row is as it was; the next tick tries again.
        log.warn({ err: error, workId: id }, 'a work of a pool could not go on');
      }
    }
    if (ticks++ % DUE_EVERY_TICKS === 0) await plan(open);
  };

  return {
    tick,
    /** The works of this request, one a node. */
    request: async (pool: PoolRecord, request: PoolWorkRequest, by: Requester): Promise<ReadonlySet<string>> => {
      const all = (await members(pool)).map(({ id }) => id);
      const stranger = request.only?.find((id) => !all.includes(id));
      if (stranger !== undefined)
        throw new HaubanError('BAD_REQUEST', `The node ${stranger} is no member of the pool ${pool.name}.`);
      const begun = new Set<string>();
      for (const nodeId of request.only ?? all) begun.add(await begin(pool, nodeId, request, by));
      return begun;
    },
    /** Something changed on this node: it is compared soon. */
    hint: async (nodeId: string): Promise<void> => {
      if (!hints.spend(nodeId)) return;
      await transaction(async (tx) => drift.forgetCompare(tx, [nodeId], clock.nowMs() - REST_MS));
    },
    /** Something in these areas changed on this node: how many ms ago. What is too much of it is left out. */
    changed: (nodeId: string, areas: Readonly<Record<string, number>>): void => {
      if (hints.changed(nodeId, areas) === 1) log.warn({ nodeId }, 'a node tells of changes more often than it may');
    },
    start: () => {
      beat = startBeat(parts, { everyMs: TICK_MS, says: 'pools could not be looked at', work: tick });
    },
    stop: async () => beat?.stop(),
  };
}
