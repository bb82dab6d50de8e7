/** Pools over a world of runs: each of its nodes is meant by every selector, and is connected when the world says so. */
import { createAccountUidsRepository } from '../../packages/controller/src/actions/account-uids.repository.ts';
import { createActionsService } from '../../packages/controller/src/actions/actions.service.ts';
import { createPools } from '../../packages/controller/src/compose-pools.ts';
import type { PoolMemberNode } from '../../packages/controller/src/pools/pool-members.ts';
import { createLog } from '../../packages/controller/src/runtime/index.ts';
import { SeededRandom } from '../../packages/shared/src/testing/index.ts';
import type { RunWorld, WorldController } from './run-world.ts';

export type WorldPools = ReturnType<typeof createPools>;

type LinkOf = Parameters<typeof createPools>[2]['links']['linkOf'];

/** @param linkOf where a node is told what to watch; left out: it is not told */
export function createWorldPools(world: RunWorld, { runs }: WorldController, linkOf: LinkOf = () => null): WorldPools {
  const { audit, transaction, database, clock } = world;
  const shared = {
    ...{ audit, transaction, clock, together: database.together },
    ...{ random: new SeededRandom(1), log: createLog('silent') },
  };
  const member = (id: string): PoolMemberNode => ({
    ...{ id, hostName: id.slice(0, 8), labels: {}, roles: [] },
    ...{ connectedAt: world.online.has(id) ? 1 : null, barredWhy: null },
  });
  return createPools(shared, database, {
    runs,
    actions: createActionsService(createAccountUidsRepository(database), clock),
    links: { isOnline: (id) => world.online.has(id), linkOf },
    judgeRelease: async () => world.rights,
    nodes: { all: async () => world.nodeIds.map(member) },
    selectTargets: { resolve: async () => world.nodeIds.map(member) },
  });
}
