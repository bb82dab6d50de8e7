/**
 * The fleet: which nodes there are, what they say of themselves, which are connected. May not know what a node
 * measures, runs or holds; those features ask here who a node is.
 */
import type { KeyFigures, NodeDetail, NodePatch, NodeQuery, NodeRow } from '@hauban/shared/api';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import { createNodeBars, unknownNode, type Actor } from './node-bars.ts';
import { toNodeDetail, toNodeRow } from './node-row.ts';
import type { NodeBrief } from './node-columns.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';
import type { Presence } from './presence.ts';
import { createReceiptKeyReader } from './receipt-keys.service.ts';
import { selectNodes } from './select-nodes.ts';

export type { Actor };

export interface NodesParts {
  readonly repository: NodesRepository;
  readonly presence: Presence;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  /** The newest figures of a node, from its live frames. */
  readonly figuresOf: (nodeId: string) => KeyFigures;
  /** Ends the link of a node that was removed (4401) or revoked (4402). */
  readonly disconnect: (nodeId: NodeId, code: 4401 | 4402, why: string) => void;
}

export type NodesService = ReturnType<typeof createNodesService>;

const PAGE = 200;

export function createNodesService(parts: NodesParts) {
  const { repository, presence, audit, transaction, clock, figuresOf } = parts;
  const rowOf = (node: NodeBrief): NodeRow => toNodeRow(node, { at: clock.nowMs(), figures: figuresOf(node.id) });

  const detail = async (nodeId: string): Promise<NodeDetail> => {
    const node = await repository.find(nodeId);
    if (node === null || node.revokedAt !== null) throw unknownNode();
    const openShells = presence.shellsOf(nodeId);
    return toNodeDetail(node, { at: clock.nowMs(), figures: figuresOf(nodeId), openShells });
  };

  return {
    ...createNodeBars(parts, detail),
    ...createReceiptKeyReader(repository),
    /** @param readable of these ids, those that the reader may see; null: all */
    list: async (
      query: NodeQuery,
      readable: ((ids: readonly string[]) => Promise<ReadonlySet<string>>) | null = null,
    ): Promise<{ nodes: NodeRow[]; total: number; cursor: string | null }> => {
      const rows = await repository.list();
      const seen = readable === null ? null : await readable(rows.map(({ id }) => id));
      const all = selectNodes(rows.filter(({ id }) => seen === null || seen.has(id)).map(rowOf), query);
      const from = /^\d{1,9}$/.test(query.cursor ?? '') ? Number(query.cursor) : 0;
      const end = from + (query.limit ?? PAGE);
      return { nodes: all.slice(from, end), total: all.length, cursor: end < all.length ? String(end) : null };
    },
    detail,
    /** Every node that was not removed. */
    all: (): Promise<NodeBrief[]> => repository.list(),
    /** The row of a node that is connected here, without asking the database; null when it is not. */
    liveRow: (nodeId: string): NodeRow | null => {
      const node = presence.find(nodeId);
      return node === null ? null : rowOf(node);
    },
    /** The same of any node; null when it is unknown or removed. */
    row: async (nodeId: string): Promise<NodeRow | null> => {
      const node = presence.find(nodeId) ?? (await repository.find(nodeId));
      return node === null || node.revokedAt !== null ? null : rowOf(node);
    },
    /** Who these are; an id that is unknown or removed is left out. Those that are connected cost no read. */
    findMany: async (nodeIds: readonly string[]): Promise<NodeBrief[]> => {
      const here = nodeIds.flatMap((id) => presence.find(id) ?? []);
      const known = new Set(here.map(({ id }) => id));
      const others = nodeIds.filter((id) => !known.has(id));
      return others.length === 0 ? here : [...here, ...(await repository.findMany(others))];
    },
    hostNames: async (nodeIds: readonly string[]): Promise<ReadonlyMap<string, string>> => {
      const names = new Map(nodeIds.flatMap((id) => presence.find(id) ?? []).map(({ id, hostName }) => [id, hostName]));
      const others = [...new Set(nodeIds)].filter((id) => !names.has(id));
      for (const [id, hostName] of await repository.hostNames(others)) names.set(id, hostName);
      return names;
    },
    /** One node, removed ones too: for checking what it signed. */
    find: async (nodeId: string): Promise<NodeBrief | null> => presence.find(nodeId) ?? (await repository.find(nodeId)),

    patch: async (nodeId: string, patch: NodePatch, actor: Actor): Promise<NodeDetail> => {
      await transaction(async (tx) => {
        const before = await repository.lock(tx, nodeId);
        if (before === null) throw unknownNode();
        const place = {
          ...(patch.labels === undefined ? {} : { labels: patch.labels }),
          ...(patch.roles === undefined ? {} : { roles: [...new Set(patch.roles)] }),
        };
        if (Object.keys(place).length === 0) return;
        const after = await repository.setPlace(tx, nodeId, place);
        if (after === null) throw unknownNode();
        const sides = { before: { labels: before.labels, roles: before.roles }, after: place };
        const { name: who, address } = actor;
        audit.record(tx, { code: 'A2030I', who, address, nodeId, hostName: after.hostName, detail: sides });
        tx.afterCommit(() => presence.changed(after));
      });
      return detail(nodeId);
    },

    /** For good: its link ends, its keys are worth nothing; its history stays. */
    remove: async (nodeId: string, actor: Actor): Promise<void> =>
      transaction(async (tx) => {
        const node = await repository.remove(tx, nodeId, clock.nowMs());
        if (node === null) throw unknownNode();
        const { name: who, address } = actor;
        audit.record(tx, { code: 'A2031I', who, address, nodeId, hostName: node.hostName });
        tx.afterCommit(() => {
          presence.removed(node);
          parts.disconnect(nodeId as NodeId, 4401, 'the node was removed');
        });
      }),
  };
}
