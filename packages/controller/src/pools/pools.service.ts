/**
 * Pools: nodes that shall all be in one wished state. A wish is an action with the arguments that make it so; of two
 * wishes about one thing the later counts. Nodes are compared with it by orders that only read (pool-work.service.ts),
 * and what differs is kept with its time until it is put right or adopted.
 */
import { randomUUID } from 'node:crypto';
import { counterItem, desiredKey, whyNoItem, type ActionDefinition, type StateItem } from '@hauban/shared/actions';
import type { AdoptRequest, PoolItemRow, PoolRequest, PoolRunRequest, RunDetail, RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Alongside, Requester } from '../runs/start-run.service.ts';
import type { BanLists } from './ban-lists.service.ts';
import type { DriftRepository } from './drift.repository.ts';
import type { ReadMembers } from './pool-members.ts';
import type { NewItem, PoolRecord, PoolsRepository } from './pools.repository.ts';

type Args = Readonly<Record<string, unknown>>;

export interface PoolsParts {
  readonly pools: PoolsRepository;
  readonly drift: DriftRepository;
  readonly banLists: Pick<BanLists, 'keeping' | 'tick'>;
  readonly members: ReadMembers;
  readonly actions: {
    find(name: string): Promise<ActionDefinition>;
    prepare(action: ActionDefinition, args: Args): Promise<Args>;
  };
  readonly runs: {
    start(request: RunRequest, requester: Requester, waitMs?: number, alongside?: Alongside): Promise<RunDetail>;
  };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type PoolsService = ReturnType<typeof createPoolsService>;

const BUDGET = 20;
const COMPARE_MINUTES = 60;

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);
const none = (what: string): HaubanError => new HaubanError('NOT_FOUND', `There is no ${what} with this id.`);

/** What a request says of a pool; members in one way. */
function fieldsOf({ name, nodes, on, repair, budget, compareMinutes }: PoolRequest) {
  if ((nodes === undefined) === (on === undefined)) throw bad('Say who the members are in one way: nodes or on.');
  return {
    name,
    nodes: nodes === undefined ? null : [...new Set(nodes)].toSorted(),
    selector: on ?? null,
    repair: repair ?? 'show',
    budget: budget ?? BUDGET,
    compareMinutes: compareMinutes ?? COMPARE_MINUTES,
  } as const;
}

export const toItemRow = ({ id, key, action, args, addedAt, addedBy, runId }: NewItem): PoolItemRow => ({
  id,
  key,
  action,
  args: { ...args },
  addedAt,
  addedBy,
  runId,
});

/** What is wished, and its traces. */
function createWishes(parts: PoolsParts) {
  const { pools, actions, audit, clock } = parts;
  /** Checked, filled in and in canonical form. */
  const prepare = async ({ action, args }: { readonly action: string; readonly args: Args }): Promise<StateItem> => {
    const definition = await actions.find(action);
    const why = action.startsWith('custom.') ? `${action} is one node's own` : whyNoItem(definition, action);
    if (why !== null) throw bad(`It cannot be wished of a pool: ${why}.`);
    if (action === 'firewall.ban' && args['permanent'] !== true)
      throw bad('It cannot be wished of a pool: a ban that ends by itself is not wished to stay (permanent).');
    return { action, args: await actions.prepare(definition, args) };
  };
  const make = (pool: PoolRecord, item: StateItem, by: Requester, runId: string | null): NewItem => ({
    id: randomUUID(),
    poolId: pool.id,
    key: desiredKey(item),
    ...item,
    addedAt: clock.nowMs(),
    addedBy: by.name,
    runId,
  });
  const write = (tx: Tx, pool: PoolRecord, item: NewItem, by: Requester): void => {
    pools.putItem(tx, item);
    const { account, version } = item.args;
    if (item.action === 'php.switch-version' && typeof account === 'string' && typeof version === 'string')
      pools.amend(tx, pool.id, { account, phpVersion: version });
    pools.grow(tx, pool.id);
    const { action, args, key, runId } = item;
    const detail = { poolId: pool.id, pool: pool.name, key, action, args, ...(runId === null ? {} : { runId }) };
    audit.record(tx, { code: 'A3033I', who: by.name, address: by.address, detail: { ...detail, ...by.decision } });
  };
  return { prepare, make, write };
}

/** Bans that are kept go onto the pool's ban list: there they end by themselves, and can be taken off one by one. */
function createKeptBans({ banLists, actions }: PoolsParts) {
  return async (pool: PoolRecord, request: StateItem, by: Requester) => {
    const args = await actions.prepare(await actions.find(request.action), request.args);
    const { targets, durationS, reason } = args as Parameters<BanLists['keeping']>[1];
    const more = { ...(durationS === undefined ? {} : { durationS }), ...(reason === undefined ? {} : { reason }) };
    return { args, write: await banLists.keeping(pool, { targets, ...more }, by) };
  };
}

/** What several of them need. */
function createBase({ pools, members, runs }: PoolsParts) {
  const need = async (poolId: string): Promise<PoolRecord> => {
    const pool = await pools.find(poolId);
    if (pool === null) throw none('pool');
    return pool;
  };
  const startOn = async (
    pool: PoolRecord,
    request: Omit<RunRequest, 'mode' | 'nodes'>,
    by: Requester,
    alongside?: Alongside,
  ): Promise<RunDetail> => {
    const nodes = (await members(pool)).map(({ id }) => id);
    if (nodes.length === 0) throw bad(`The pool ${pool.name} has no node now.`);
    return runs.start({ ...request, mode: 'apply', nodes }, by, 0, alongside);
  };
  return { need, startOn };
}

/** The pools themselves. */
function createPoolChanges(parts: PoolsParts) {
  const { pools, drift, members, audit, transaction, clock } = parts;
  const { need } = createBase(parts);
  /** Stores it; a name that is taken is said so. */
  const named = async (name: string, work: (tx: Tx) => Promise<void>): Promise<void> => {
    try {
      await transaction(work);
    } catch (error) {
      if (pools.isConflict(error)) throw new HaubanError('CONFLICT', `There is a pool ${name} already.`);
      throw error;
    }
  };

  return {
    need,
    make: async (request: PoolRequest, by: Requester): Promise<PoolRecord> => {
      const at = { id: randomUUID(), version: 1, createdAt: clock.nowMs(), createdBy: by.name };
      const record: PoolRecord = { ...at, ...fieldsOf(request) };
      await members(record);
      await named(record.name, async (tx) => {
        await pools.add(tx, record);
        audit.record(tx, { code: 'A3030I', who: by.name, address: by.address, detail: { ...record, ...by.decision } });
      });
      return record;
    },
    change: async (poolId: string, request: PoolRequest, by: Requester): Promise<void> => {
      const before = await need(poolId);
      const fields = fieldsOf(request);
      const now = await members({ ...before, ...fields });
      await named(fields.name, async (tx) => {
        await pools.set(tx, poolId, fields);
        await drift.forgetOthers(
          tx,
          poolId,
          now.map(({ id }) => id),
        );
        const detail = { poolId, before, ...fields, ...by.decision };
        audit.record(tx, { code: 'A3031I', who: by.name, address: by.address, detail });
      });
    },
    remove: async (poolId: string, by: Requester): Promise<void> => {
      const { name } = await need(poolId);
      await transaction(async (tx) => {
        if (!(await pools.remove(tx, poolId))) throw none('pool');
        audit.record(tx, { code: 'A3032W', who: by.name, address: by.address, detail: { poolId, name } });
      });
    },
  };
}

/** What is wished of them. */
function createWishChanges(parts: PoolsParts) {
  const { pools, drift, banLists, audit, transaction, clock } = parts;
  const wishes = createWishes(parts);
  const { need, startOn } = createBase(parts);
  const keptBans = createKeptBans(parts);
  return {
    wish: async (poolId: string, item: StateItem, by: Requester): Promise<PoolItemRow> => {
      const pool = await need(poolId);
      const made = wishes.make(pool, await wishes.prepare(item), by, null);
      await transaction(async (tx) => wishes.write(tx, pool, made, by));
      const stored = (await pools.items(poolId)).find(({ key }) => key === made.key);
      return toItemRow(stored ?? made);
    },
    /** Forgets a wish; with `counter` what was wished is taken back on every node. */
    unwish: async (
      poolId: string,
      itemId: string,
      how: 'forget' | 'counter',
      by: Requester,
    ): Promise<string | null> => {
      const pool = await need(poolId);
      const item = (await pools.items(poolId)).find(({ id }) => id === itemId);
      if (item === undefined) throw none('wish');
      const counter = how === 'counter' ? counterItem({ action: item.action, args: { ...item.args } }) : null;
      if (how === 'counter' && counter === null)
        throw bad(`Nothing takes ${item.action} back by itself: forget the wish, and run what shall be done.`);
      // First what is done, then what is no longer wished: else nobody would take it back after a crash between.
      const run = counter === null ? null : await startOn(pool, counter, by);
      await transaction(async (tx) => {
        await pools.removeItem(tx, poolId, itemId);
        pools.grow(tx, poolId);
        const detail = { poolId, pool: pool.name, key: item.key, action: item.action, how, ...by.decision };
        audit.record(tx, { code: 'A3034W', who: by.name, address: by.address, detail });
      });
      return run?.id ?? null;
    },
    /** The action on every node of the pool; it is wished from the moment at which the run is stored. */
    run: async (poolId: string, request: PoolRunRequest, by: Requester): Promise<RunDetail> => {
      const pool = await need(poolId);
      const { keep = true, action, args, ...more } = request;
      if (!keep) return startOn(pool, { action, args, ...more }, by);
      if (action === 'firewall.ban') {
        const kept = await keptBans(pool, { action, args }, by);
        const run = await startOn(pool, { action, args: kept.args, ...more }, by, kept.write);
        await banLists.tick();
        return run;
      }
      const item = await wishes.prepare({ action, args });
      return startOn(pool, { ...item, ...more }, by, (tx, run) =>
        wishes.write(tx, pool, wishes.make(pool, item, by, run.id), by),
      );
    },
    adopt: async (poolId: string, which: AdoptRequest, by: Requester): Promise<void> => {
      const pool = await need(poolId);
      await transaction(async (tx) => {
        const isThere = await drift.adopt(tx, { poolId, ...which }, { adoptedBy: by.name, adoptedAt: clock.nowMs() });
        if (!isThere) throw new HaubanError('CONFLICT', 'This difference is not there any more: look at it again.');
        const detail = { poolId, pool: pool.name, ...which, ...by.decision };
        audit.record(tx, { code: 'A3039I', who: by.name, address: by.address, detail });
      });
    },
  };
}

export const createPoolsService = (parts: PoolsParts) => ({ ...createPoolChanges(parts), ...createWishChanges(parts) });
