import { HaubanError } from '@hauban/shared/errors';
import type { SelectableNode } from '../runs/select-targets.service.ts';
import type { PoolRecord } from './pools.repository.ts';

export type PoolMemberNode = Pick<SelectableNode, 'id' | 'hostName' | 'labels' | 'roles' | 'connectedAt' | 'barredWhy'>;
export type ReadMembers = (pool: Pick<PoolRecord, 'nodes' | 'selector'>) => Promise<readonly PoolMemberNode[]>;

const MOST_MEMBERS = 1000;

/** Members of a pool at this moment. */
export function createPoolMembers(parts: {
  readonly nodes: { all(): Promise<readonly PoolMemberNode[]> };
  readonly selectTargets: { resolve(on: string): Promise<readonly PoolMemberNode[]> };
}): ReadMembers {
  return async ({ nodes, selector }) => {
    const named = new Set(nodes);
    const found =
      selector === null
        ? (await parts.nodes.all()).filter(({ id, barredWhy }) => named.has(id) && barredWhy === null)
        : await parts.selectTargets.resolve(selector);
    if (found.length > MOST_MEMBERS)
      throw new HaubanError('BAD_REQUEST', `A pool has ${MOST_MEMBERS} nodes at most; these are ${found.length}.`);
    return found;
  };
}
