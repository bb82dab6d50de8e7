import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { authorize, type Grant } from './authorization/index.ts';
import type { createPeople } from './compose-people.ts';
import type { MetricsService } from './metrics/metrics.service.ts';
import type { NodesService } from './nodes/nodes.service.ts';
import type { JudgeRelease, ReadHealth } from './runs/rollout-parts.ts';

/** How nodes are, from what is known of them now: the link, and the newest live frame. */
export const readHealth =
  (nodes: Pick<NodesService, 'findMany'>, metrics: Pick<MetricsService, 'figuresOf'>): ReadHealth =>
  async (nodeIds) => {
    const found = await nodes.findMany(nodeIds);
    return new Map(
      found.map(({ id, connectedAt }) => {
        const isOnline = connectedAt !== null;
        return [id, { isOnline, failedUnits: isOnline ? metrics.figuresOf(id).failedUnits : null }];
      }),
    );
  };

/** What a person may do by the role that they have now; null: they have left. */
export const rightsOf =
  ({ directory, roles }: Pick<ReturnType<typeof createPeople>, 'directory' | 'roles'>) =>
  async (personId: string): Promise<Grant | null> => {
    try {
      return await roles.grantOf(await directory.need(personId), null);
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  };

/** The one decision, with the rights that the person has now, on the labels that the nodes have now. */
export const judgeRelease =
  (
    nodes: Pick<NodesService, 'findMany'>,
    rightsOf: (personId: string) => Promise<Grant | null>,
    clock: Clock,
  ): JudgeRelease =>
  async ({ id, via, approvedBy = [], overridesWindows = false }, actions, nodeIds) => {
    if (via === 'system') return { isGone: false, forbidden: new Set() };
    const grant = await rightsOf(id);
    if (grant === null) return { isGone: true, forbidden: new Set() };
    const at = clock.nowMs();
    const known = new Map((await nodes.findMany(nodeIds)).map((node) => [node.id, node]));
    const isAllowed = (nodeId: string): boolean => {
      const node = known.get(nodeId);
      if (node === undefined) return false;
      const targets = [{ kind: 'node' as const, id: nodeId, labels: node.labels, roles: node.roles }];
      const use = { kind: 'use' as const, targets, at, approvedBy };
      if (overridesWindows && !authorize(grant, { ...use, right: 'override-window' }).allowed) return false;
      return actions.every((action) => authorize(grant, { ...use, right: 'action', action }).allowed);
    };
    return { isGone: false, forbidden: new Set(nodeIds.filter((nodeId) => !isAllowed(nodeId))) };
  };
