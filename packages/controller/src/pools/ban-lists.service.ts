/**
 * Ban lists of pools. A list is a set of addresses and prefixes, each with its end; the pools that have it wish it in
 * parts (list-wishes.ts), and pool-work.service.ts brings it to their nodes by itself: who joins or comes back gets it,
 * what is not listed any more is lifted. What pools are told follows from the list alone, so a controller that died
 * before it told them is made up for by the next look at what is untold.
 */
import { randomUUID } from 'node:crypto';
import {
  containsPrefix,
  formatPrefix,
  MOST_LIST_ENTRIES,
  parseBanTarget,
  parsePrefix,
  type StateItem,
} from '@hauban/shared/actions';
import type {
  BanListAddition,
  BanListChange,
  BanListEntryPage,
  BanListRemoval,
  BanListRequest,
  BanListRow,
} from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { canonicalJson } from '@hauban/link';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Requester } from '../runs/start-run.service.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { BanEntryRecord, BanListRecord, BanListsRepository } from './ban-lists.repository.ts';
import { listWishes, whyNoList } from './list-wishes.ts';
import type { PoolRecord, PoolsRepository } from './pools.repository.ts';

export interface BanListParts {
  readonly lists: BanListsRepository;
  readonly pools: PoolsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
}

export type BanLists = ReturnType<typeof createBanLists>;

const TICK_MS = 5_000;
/** What ran out is shown no more, and deleted after this time. */
const FORGET_AFTER_MS = 3_600_000;
const MOST_NAMED = 100;
const PAGE = 200;

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);
const none = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no ban list with this id.');

/** Canonical, each once; the first that cannot be banned is refused in a sentence. */
function readTargets(targets: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const text of targets) {
    const parsed = parseBanTarget(text, false);
    if (!parsed.ok) throw bad(parsed.problem);
    seen.add(formatPrefix(parsed.value));
  }
  return [...seen];
}

/** Nobody locks himself out of all nodes at once. */
function refuseOwnAddress(targets: readonly string[], address: string | null): void {
  const own = address === null ? null : parsePrefix(address);
  if (own === null) return;
  const hit = targets.find((target) => {
    const prefix = parsePrefix(target);
    return prefix !== null && containsPrefix(prefix, own);
  });
  if (hit !== undefined) throw bad(`${hit} is never listed: your own request comes from ${formatPrefix(own)}.`);
}

/** Tells pools what their nodes shall ban. */
function createTelling({ lists, pools, clock }: BanListParts) {
  const tellPool = async (tx: Tx, list: BanListRecord, poolId: string, wished: ReadonlyMap<string, StateItem>) => {
    const known = new Map((await lists.wishes(tx, poolId, list.name)).map((row) => [row.key, row]));
    let isChanged = false;
    for (const [key, item] of wished) {
      const before = known.get(key);
      if (before !== undefined && canonicalJson(before.args) === canonicalJson(item.args)) continue;
      isChanged = true;
      const made = { addedAt: clock.nowMs(), addedBy: `ban list ${list.name}`, runId: null };
      pools.putItem(tx, { id: randomUUID(), poolId, key, ...item, ...made });
    }
    const gone = [...known.values()].filter(({ key }) => !wished.has(key));
    await lists.dropWishes(
      tx,
      gone.map(({ id }) => id),
    );
    if (isChanged || gone.length > 0) pools.grow(tx, poolId);
  };
  return {
    /** All pools that have the list, and those that do not have it any more. */
    tell: async (tx: Tx, list: BanListRecord, left: readonly string[] = []): Promise<void> => {
      const entries = await lists.entries(tx, list.id, clock.nowMs());
      const wished = listWishes(list.name, entries);
      for (const poolId of await lists.poolsOf(tx, list.id)) await tellPool(tx, list, poolId, wished);
      const nothing = listWishes(list.name, []);
      for (const poolId of left) await tellPool(tx, list, poolId, nothing);
      await lists.set(tx, list.id, { told: list.version });
    },
  };
}

/** The lists themselves. */
function createListChanges(parts: BanListParts) {
  const { lists, pools, audit, transaction, clock } = parts;
  const { tell } = createTelling(parts);
  const needPools = async (ids: readonly string[]): Promise<readonly string[]> => {
    const known = new Set((await pools.all()).map(({ id }) => id));
    const unknown = ids.find((id) => !known.has(id));
    if (unknown !== undefined) throw bad(`There is no pool ${unknown}.`);
    return [...new Set(ids)];
  };
  return {
    make: async (request: BanListRequest, by: Requester): Promise<string> => {
      const poolIds = await needPools(request.pools ?? []);
      const record = {
        id: randomUUID(),
        name: request.name,
        version: 1,
        told: 1,
        createdAt: clock.nowMs(),
        createdBy: by.name,
      };
      try {
        await transaction(async (tx) => {
          await lists.add(tx, record);
          await lists.setPools(tx, record.id, poolIds);
          await tell(tx, record);
          const detail = { banListId: record.id, name: record.name, pools: poolIds, ...by.decision };
          audit.record(tx, { code: 'A3060I', who: by.name, address: by.address, detail });
        });
      } catch (error) {
        if (lists.isConflict(error)) throw new HaubanError('CONFLICT', `There is a ban list ${request.name} already.`);
        throw error;
      }
      return record.id;
    },
    bind: async (listId: string, wanted: readonly string[], by: Requester): Promise<void> => {
      const poolIds = await needPools(wanted);
      await transaction(async (tx) => {
        const list = await lists.lock(tx, listId);
        if (list === null) throw none();
        const before = await lists.poolsOf(tx, listId);
        await lists.setPools(tx, listId, poolIds);
        const now = { ...list, version: list.version + 1 };
        await lists.set(tx, listId, { version: now.version });
        await tell(
          tx,
          now,
          before.filter((id) => !poolIds.includes(id)),
        );
        const detail = { banListId: listId, name: list.name, before, pools: poolIds, ...by.decision };
        audit.record(tx, { code: 'A3061I', who: by.name, address: by.address, detail });
      });
    },
    /** What it banned is lifted on the nodes of its pools. */
    remove: async (listId: string, by: Requester): Promise<void> =>
      transaction(async (tx) => {
        const list = await lists.lock(tx, listId);
        if (list === null) throw none();
        const poolIds = await lists.poolsOf(tx, listId);
        await lists.setPools(tx, listId, []);
        await tell(tx, list, poolIds);
        await lists.remove(tx, listId);
        const detail = { banListId: listId, name: list.name, pools: poolIds };
        audit.record(tx, { code: 'A3062W', who: by.name, address: by.address, detail });
      }),
  };
}

interface Edit {
  readonly put: readonly BanEntryRecord[];
  readonly take: readonly string[];
  readonly plan: boolean;
}

/** Entries as they are stored, from now on. */
function recordsOf(
  listId: string,
  targets: readonly string[],
  { durationS, reason }: Omit<BanListAddition, 'targets'>,
  made: { readonly addedAt: number; readonly addedBy: string },
): readonly BanEntryRecord[] {
  const until = durationS === undefined ? null : made.addedAt + durationS * 1000;
  return targets.map((target) => ({ listId, target, until, reason: reason ?? 'manual', ...made }));
}

const named = (targets: readonly string[]): string[] => targets.toSorted().slice(0, MOST_NAMED);

/** What is on them. */
function createEntryChanges(parts: BanListParts) {
  const { lists, audit, transaction, clock } = parts;
  const { tell } = createTelling(parts);

  const edit = async (
    listId: string,
    by: Requester,
    change: (known: ReadonlyMap<string, BanEntryRecord>) => Edit,
  ): Promise<BanListChange> =>
    transaction(async (tx) => {
      const list = await lists.lock(tx, listId);
      if (list === null) throw none();
      const known = new Map((await lists.entries(tx, listId, clock.nowMs())).map((entry) => [entry.target, entry]));
      const { put, take, plan } = change(known);
      const after = new Map(known);
      for (const target of take) after.delete(target);
      for (const entry of put) after.set(entry.target, entry);
      if (after.size > MOST_LIST_ENTRIES)
        throw bad(`A ban list has ${MOST_LIST_ENTRIES} entries at most; this one would have ${after.size}.`);
      const why = whyNoList([...after.values()]);
      if (why !== null) throw bad(why);
      const added = put.filter(({ target }) => !known.has(target)).map(({ target }) => target);
      const answer: BanListChange = {
        added: added.length,
        changed: put.length - added.length,
        removed: take.length,
        addedTargets: named(added),
        removedTargets: named(take),
        entryCount: after.size,
      };
      if (plan || put.length + take.length === 0) return answer;
      await lists.take(tx, listId, take);
      await lists.put(tx, put);
      const now = { ...list, version: list.version + 1 };
      await lists.set(tx, listId, { version: now.version });
      await tell(tx, now);
      const detail = { banListId: listId, name: list.name, ...answer, ...by.decision };
      const code = put.length > 0 ? 'A3063I' : 'A3064W';
      audit.record(tx, { code, who: by.name, address: by.address, detail });
      return answer;
    });

  return {
    add: async (listId: string, request: BanListAddition, by: Requester): Promise<BanListChange> => {
      const targets = readTargets(request.targets);
      refuseOwnAddress(targets, by.address);
      const put = recordsOf(listId, targets, request, { addedAt: clock.nowMs(), addedBy: by.name });
      const listed = new Set(targets);
      return edit(listId, by, (known) => ({
        // Asked for again as it is already: nothing.
        put: put.filter(({ target, until, reason }) => {
          const before = known.get(target);
          return before === undefined || before.until !== until || before.reason !== reason;
        }),
        take: request.replace === true ? [...known.keys()].filter((target) => !listed.has(target)) : [],
        plan: request.plan === true,
      }));
    },
    take: async (listId: string, request: BanListRemoval, by: Requester): Promise<BanListChange> => {
      const targets = readTargets(request.targets);
      return edit(listId, by, (known) => ({
        put: [],
        take: targets.filter((target) => known.has(target)),
        plan: request.plan === true,
      }));
    },
  };
}

/** Bans that runs make and that are kept. */
function createKeeping({ lists, audit, clock }: BanListParts) {
  return {
    /**
     * For bans that a run makes on all nodes of a pool: they go onto the list with the pool's name, in the transaction
     * of the run. Gives what writes them there.
     */
    keeping: async (
      pool: PoolRecord,
      ban: {
        readonly targets: readonly string[];
        readonly durationS?: number;
        readonly reason?: BanListAddition['reason'];
      },
      by: Requester,
      make: (request: BanListRequest, by: Requester) => Promise<string>,
    ): Promise<(tx: Tx) => void> => {
      const targets = readTargets(ban.targets);
      const known = await lists.findByName(pool.name);
      const listId = known?.id ?? (await make({ name: pool.name, pools: [pool.id] }, by));
      if (known !== null && !(await lists.pools()).some((one) => one.listId === listId && one.id === pool.id))
        throw new HaubanError(
          'CONFLICT',
          `There is a ban list ${pool.name} that this pool does not have: give it the list first, or another name.`,
        );
      const { durationS, reason } = ban;
      const more = { ...(durationS === undefined ? {} : { durationS }), ...(reason === undefined ? {} : { reason }) };
      return (tx) => {
        lists.keep(tx, recordsOf(listId, targets, more, { addedAt: clock.nowMs(), addedBy: by.name }));
        lists.grow(tx, listId);
        const detail = { banListId: listId, name: pool.name, added: targets.length, addedTargets: named(targets) };
        audit.record(tx, { code: 'A3063I', who: by.name, address: by.address, detail: { ...detail, ...by.decision } });
      };
    },
  };
}

/** Lists as people see them. */
function createListViews({ lists, clock }: BanListParts) {
  const rowsOf = async (records: readonly BanListRecord[]): Promise<BanListRow[]> => {
    const [counts, pools] = await Promise.all([lists.counts(clock.nowMs()), lists.pools()]);
    return records.map(({ id, name, version, createdAt, createdBy }) => ({
      ...{ id, name, version, createdAt, createdBy },
      entryCount: counts.get(id) ?? 0,
      pools: pools.filter(({ listId }) => listId === id).map((pool) => ({ id: pool.id, name: pool.name })),
    }));
  };
  return {
    all: async (): Promise<BanListRow[]> => rowsOf(await lists.all()),
    need: async (listId: string): Promise<BanListRow> => {
      const record = await lists.find(listId);
      const [row] = record === null ? [] : await rowsOf([record]);
      if (row === undefined) throw none();
      return row;
    },
    entries: async (
      listId: string,
      {
        after = '',
        limit = PAGE,
        holds,
      }: { readonly after?: string; readonly limit?: number; readonly holds?: string },
    ): Promise<BanListEntryPage> => {
      const now = clock.nowMs();
      const prefix = holds === undefined ? null : parsePrefix(holds);
      if (holds !== undefined && prefix === null) throw bad(`${holds} is no address and no prefix.`);
      const rows =
        prefix === null
          ? await lists.page(listId, after, limit + 1, now)
          : await lists.holding(listId, formatPrefix(prefix), limit, now);
      const shown = rows.slice(0, limit).map(({ target, until, reason, addedAt, addedBy }) => ({
        ...{ target, until, reason, addedAt, addedBy },
      }));
      return { entries: shown, next: rows.length > limit ? (shown.at(-1)?.target ?? null) : null };
    },
  };
}

export function createBanLists(parts: BanListParts) {
  const { lists, transaction, clock } = parts;
  const { tell } = createTelling(parts);
  const changes = createListChanges(parts);
  const { keeping } = createKeeping(parts);
  let beat: Beat | null = null;

  /** Tells pools what a run, or a controller that died, left untold; forgets what ran out. */
  const tick = async (): Promise<void> => {
    for (const id of await lists.untold())
      await transaction(async (tx) => {
        const list = await lists.lock(tx, id);
        if (list !== null) await tell(tx, list);
      });
    await transaction(async (tx) => lists.forget(tx, clock.nowMs() - FORGET_AFTER_MS));
  };
  return {
    ...changes,
    ...createEntryChanges(parts),
    ...createListViews(parts),
    keeping: async (pool: PoolRecord, ban: Parameters<typeof keeping>[1], by: Requester) =>
      keeping(pool, ban, by, changes.make),
    /** Null: there is no such list. */
    poolsOf: async (listId: string): Promise<readonly string[] | null> =>
      (await lists.find(listId)) === null
        ? null
        : (await lists.pools()).filter((one) => one.listId === listId).map(({ id }) => id),
    tick,
    start: () => {
      beat = startBeat(parts, { everyMs: TICK_MS, says: 'ban lists could not be looked at', work: tick });
    },
    stop: async () => beat?.stop(),
  };
}
