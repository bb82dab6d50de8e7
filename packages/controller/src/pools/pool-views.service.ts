import type { DriftRow, PlannedChange, PoolDetail, PoolMember, PoolRow, PoolWorkRow } from '@hauban/shared/api';
import type { DriftRecord, DriftRepository, NodeRecord } from './drift.repository.ts';
import type { ReadMembers } from './pool-members.ts';
import type { PoolWorkRepository, WorkRecord } from './pool-work.repository.ts';
import { toItemRow } from './pools.service.ts';
import type { PoolCounts, PoolRecord, PoolsRepository } from './pools.repository.ts';

export interface PoolViewParts {
  readonly pools: PoolsRepository;
  readonly drift: DriftRepository;
  readonly work: PoolWorkRepository;
  readonly members: ReadMembers;
}

export type PoolViews = ReturnType<typeof createPoolViews>;

const WORKS_SHOWN = 200;
/** A work for each node, at most. */
const MOST_MEMBERS = 1000;

const toWorkRow = (work: WorkRecord): PoolWorkRow => ({
  id: work.id,
  nodeId: work.nodeId,
  kind: work.kind,
  requester: work.requester.name,
  says: work.says,
  done: work.done,
  failed: Object.entries(work.failed).map(([itemId, says]) => ({ itemId, says })),
  createdAt: work.createdAt,
  finishedAt: work.finishedAt,
  isWell: work.isWell,
});

/** When the one was compared whose last compare is the longest ago; null: one of them never was. */
function comparedAt(nodeIds: readonly string[], known: readonly NodeRecord[]): number | null {
  const timeOf = new Map(known.map((node) => [node.nodeId, node.comparedAt]));
  const times = nodeIds.map((id) => timeOf.get(id) ?? null);
  return times.reduce(
    (oldest, time) => (oldest === null || time === null ? null : Math.min(oldest, time)),
    times[0] ?? null,
  );
}

const toRow = (
  pool: PoolRecord,
  counts: PoolCounts | undefined,
  nodeIds: readonly string[],
  known: readonly NodeRecord[],
): PoolRow => ({
  id: pool.id,
  name: pool.name,
  nodes: pool.nodes === null ? null : [...pool.nodes],
  on: pool.selector,
  repair: pool.repair,
  budget: pool.budget,
  compareMinutes: pool.compareMinutes,
  version: pool.version,
  itemCount: counts?.items ?? 0,
  memberCount: nodeIds.length,
  driftCount: counts?.drift ?? 0,
  comparedAt: comparedAt(nodeIds, known),
  createdAt: pool.createdAt,
  createdBy: pool.createdBy,
});

/** Pools as people see them. */
export function createPoolViews({ pools, drift, work, members }: PoolViewParts) {
  const memberRows = async (pool: PoolRecord): Promise<readonly PoolMember[]> => {
    const [nodes, known, seen, works] = await Promise.all([
      members(pool),
      drift.nodes(pool.id),
      drift.ofPool(pool.id),
      work.newest(pool.id, WORKS_SHOWN),
    ]);
    const knownOf = new Map(known.map((node) => [node.nodeId, node]));
    return nodes.map(({ id, hostName, connectedAt }) => {
      const own = seen.filter(({ nodeId }) => nodeId === id);
      const count = (is: (one: DriftRecord) => boolean): number => own.filter(is).length;
      const open = works.find(({ nodeId, finishedAt }) => nodeId === id && finishedAt === null);
      return {
        nodeId: id,
        hostName,
        isOnline: connectedAt !== null,
        comparedAt: knownOf.get(id)?.comparedAt ?? null,
        isCurrent: knownOf.get(id)?.version === pool.version,
        inOrder: knownOf.get(id)?.inOrder ?? 0,
        differs: count(({ state, adoptedAt }) => state === 'differs' && adoptedAt === null),
        blocked: count(({ state, adoptedAt }) => state === 'blocked' && adoptedAt === null),
        adopted: count(({ adoptedAt }) => adoptedAt !== null),
        work: open === undefined ? null : toWorkRow(open),
      };
    });
  };

  return {
    /** @param isShown whether the reader may see a pool of these nodes */
    list: async (isShown: (nodeIds: readonly string[]) => Promise<boolean>): Promise<PoolRow[]> => {
      const [all, counts] = await Promise.all([pools.all(), pools.counts()]);
      const rows: PoolRow[] = [];
      for (const pool of all) {
        const nodeIds = (await members(pool)).map(({ id }) => id);
        if (await isShown(nodeIds)) rows.push(toRow(pool, counts.get(pool.id), nodeIds, await drift.nodes(pool.id)));
      }
      return rows;
    },
    detail: async (pool: PoolRecord): Promise<PoolDetail> => {
      const [rows, items, counts, known] = await Promise.all([
        memberRows(pool),
        pools.items(pool.id),
        pools.counts(),
        drift.nodes(pool.id),
      ]);
      const nodeIds = rows.map(({ nodeId }) => nodeId);
      return { ...toRow(pool, counts.get(pool.id), nodeIds, known), members: [...rows], items: items.map(toItemRow) };
    },
    drift: async (pool: PoolRecord): Promise<DriftRow[]> => {
      const [seen, items, nodes] = await Promise.all([drift.ofPool(pool.id), pools.items(pool.id), members(pool)]);
      const itemOf = new Map(items.map((item) => [item.id, item]));
      const nameOf = new Map(nodes.map(({ id, hostName }) => [id, hostName]));
      return seen.flatMap((one): DriftRow[] => {
        const [item, hostName] = [itemOf.get(one.itemId), nameOf.get(one.nodeId)];
        if (item === undefined || hostName === undefined) return [];
        const { nodeId, itemId, state, says, hash, changedAt, since, seenAt, adoptedBy, adoptedAt } = one;
        const seenAs = { state, says, hash, changedAt, since, seenAt, adoptedBy, adoptedAt };
        const changes = one.changes as PlannedChange[];
        return [{ nodeId, hostName, itemId, action: item.action, key: item.key, changes, ...seenAs }];
      });
    },
    /** The newest first, page by page. */
    works: async (
      poolId: string,
      { after = null, limit = WORKS_SHOWN }: { readonly after?: string | null; readonly limit?: number } = {},
    ): Promise<PoolWorkRow[]> => (await work.newest(poolId, limit, after)).map(toWorkRow),
    /** Those that were just begun. */
    begun: async (poolId: string, only: ReadonlySet<string>): Promise<PoolWorkRow[]> =>
      (await work.newest(poolId, MOST_MEMBERS)).filter(({ id }) => only.has(id)).map(toWorkRow),
  };
}
