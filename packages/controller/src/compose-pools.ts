import type { ActionsService } from './actions/actions.service.ts';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import { createBanListsRepository } from './pools/ban-lists.repository.ts';
import { createBanLists } from './pools/ban-lists.service.ts';
import { createDriftRepository } from './pools/drift.repository.ts';
import type { AdvanceParts } from './pools/advance-work.ts';
import { createPoolMembers, type PoolMemberNode } from './pools/pool-members.ts';
import { createPoolViews } from './pools/pool-views.service.ts';
import { createPoolWork, type PoolWorkParts } from './pools/pool-work.service.ts';
import { createPoolWorkRepository } from './pools/pool-work.repository.ts';
import { createPoolsRepository } from './pools/pools.repository.ts';
import { createPoolsService, type PoolsParts } from './pools/pools.service.ts';

export interface PoolNeeds {
  readonly runs: PoolsParts['runs'] & AdvanceParts['runs'];
  readonly actions: ActionsService;
  readonly links: PoolWorkParts['links'];
  readonly judgeRelease: AdvanceParts['judgeRelease'];
  readonly nodes: { all(): Promise<readonly PoolMemberNode[]> };
  readonly selectTargets: { resolve(on: string): Promise<readonly PoolMemberNode[]> };
}

/** Pools, and the works that bring their nodes to what is wished. */
export function createPools(shared: Shared, database: Database, needs: PoolNeeds) {
  const repositories = {
    lists: createBanListsRepository(database),
    pools: createPoolsRepository(database),
    drift: createDriftRepository(database),
    work: createPoolWorkRepository(database),
  };
  const members = createPoolMembers(needs);
  const banLists = createBanLists({ ...shared, ...repositories });
  const base = { ...shared, ...needs, ...repositories, members, banLists };
  const pools = createPoolsService(base);
  return {
    pools,
    banLists,
    poolViews: createPoolViews(base),
    poolWork: createPoolWork(base),
    /** Nodes of a pool, and actions of its wishes, for who judges a request; null: there is no such pool. */
    poolMembers: async (poolId: string): Promise<readonly string[] | null> => {
      const pool = await repositories.pools.find(poolId);
      return pool === null ? null : (await members(pool)).map(({ id }) => id);
    },
    poolActions: async (poolId: string): Promise<readonly string[]> => [
      ...new Set(['state.apply', ...(await repositories.pools.items(poolId)).map(({ action }) => action)]),
    ],
  };
}
