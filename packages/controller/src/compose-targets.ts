import type { Clock } from '@hauban/shared/time';
import { authorize, type Target } from './authorization/index.ts';
import type { Caller, TargetSource } from './http/index.ts';
import type { NodesService } from './nodes/nodes.service.ts';
import type { RunsService } from './runs/runs.service.ts';
import type { ShellsService } from './shells/shells.service.ts';
import type { SelectTargets } from './runs/select-targets.service.ts';
import type { AttachedSession } from './shells/shells.socket.ts';

export interface TargetParts {
  readonly nodes: Pick<NodesService, 'findMany'>;
  readonly runs: Pick<RunsService, 'nodesOf' | 'actionsOf'>;
  readonly selectTargets: SelectTargets;
  readonly pools: {
    poolMembers(poolId: string): Promise<readonly string[] | null>;
    poolActions(poolId: string): Promise<readonly string[]>;
    readonly banLists: { poolsOf(banListId: string): Promise<readonly string[] | null> };
  };
  readonly shells: Pick<ShellsService, 'find'>;
}

/** Nodes with the labels and roles that they have now. */
export const targetsOf =
  (nodes: TargetParts['nodes']) =>
  async (ids: readonly string[]): Promise<readonly Target[]> => {
    const known = new Map((await nodes.findMany([...new Set(ids)])).map((node) => [node.id, node]));
    return ids.map((id) => {
      const { labels, roles } = known.get(id) ?? { labels: {}, roles: [] };
      return { kind: 'node', id, labels, roles };
    });
  };

/** Expands what a request names to nodes. */
export function createTargetSource({ nodes, runs, shells, selectTargets, pools }: TargetParts): TargetSource {
  const ofNodes = targetsOf(nodes);
  return {
    ofNodes,
    ofRun: async (runId) => {
      const ids = await runs.nodesOf(runId);
      return ids === null ? null : ofNodes(ids);
    },
    ofSelector: async (on) =>
      (await selectTargets.resolve(on)).map(({ id, labels, roles }) => ({ kind: 'node', id, labels, roles })),
    ofPool: async (poolId) => {
      const ids = await pools.poolMembers(poolId);
      if (ids === null) return null;
      // Of a pool without nodes somebody decides who may decide everywhere.
      return ids.length === 0 ? [{ kind: 'fleet' }] : ofNodes(ids);
    },
    ofBanList: async (banListId) => {
      const poolIds = await pools.banLists.poolsOf(banListId);
      if (poolIds === null) return null;
      const ids = (await Promise.all(poolIds.map((id) => pools.poolMembers(id)))).flatMap((members) => members ?? []);
      return ids.length === 0 ? [{ kind: 'fleet' }] : ofNodes([...new Set(ids)]);
    },
    actionsOfPool: (poolId) => pools.poolActions(poolId),
    actionsOfRun: (runId) => runs.actionsOf(runId),
    ofSession: async (sessionId) => {
      const session = await shells.find(sessionId);
      if (session === null) return null;
      const [target] = await ofNodes([session.nodeId]);
      return target === undefined ? null : { target, user: session.login, openedBy: session.openedById };
    },
  };
}

/** The decision about the socket of a shell: the same function, on the node, as the user of that shell, now. */
export const mayAttach =
  (targets: Pick<TargetSource, 'ofNodes'>, clock: Clock) =>
  async ({ grant }: Caller, session: AttachedSession): Promise<boolean> =>
    authorize(grant, {
      kind: 'use',
      right: 'attach',
      targets: await targets.ofNodes([session.nodeId]),
      user: session.login,
      openedBy: session.openedById,
      at: clock.nowMs(),
    }).allowed;
