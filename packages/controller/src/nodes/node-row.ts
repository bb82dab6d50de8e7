import type { KeyFigures, NodeDetail, NodeRow, NodeState } from '@hauban/shared/api';
import type { NodeRole } from '@hauban/shared/protocol';
import type { NodeBrief, NodeRecord } from './node-columns.repository.ts';

export const NO_FIGURES: KeyFigures = {
  cpuBusyRatio: null,
  memoryUsedRatio: null,
  load1: null,
  fullestFsRatio: null,
  failedUnits: null,
};

function stateOf(node: NodeBrief): NodeState {
  if (node.barredWhy !== null) return node.barredWhy === 'revoked' ? 'revoked' : 'locked';
  if (node.connectedAt !== null) return 'up';
  return node.lastSeenAt === null ? 'never-seen' : 'down';
}

/** A node as the API shows it. While it is connected it is seen at this moment. */
export function toNodeRow(node: NodeBrief, now: { readonly at: number; readonly figures: KeyFigures }): NodeRow {
  const isUp = node.connectedAt !== null;
  return {
    id: node.id,
    hostName: node.hostName,
    labels: node.labels,
    roles: node.roles as NodeRole[],
    state: stateOf(node),
    os: node.os,
    agentVersion: node.agentVersion,
    isRoot: node.isRoot,
    enrolledAt: node.enrolledAt,
    lastSeenAt: isUp ? now.at : node.lastSeenAt,
    figures: isUp ? now.figures : NO_FIGURES,
  };
}

export function toNodeDetail(
  node: NodeRecord,
  now: { readonly at: number; readonly figures: KeyFigures; readonly openShells: number },
): NodeDetail {
  return {
    ...toNodeRow(node, now),
    bootId: node.bootId,
    bootedAt: node.bootedAt,
    connectedAt: node.connectedAt,
    remoteAddress: node.remoteAddress,
    policyText: node.policyText,
    actions: node.actions,
    openShells: now.openShells,
    spoolChunks: node.spoolChunks,
    bar:
      node.barredAt === null
        ? null
        : { at: node.barredAt, by: node.barredBy ?? 'system', reason: node.barredReason ?? '' },
  };
}
