/**
 * What is in a node: every section as it is, and each change with its time. A node's own report is hostile data: it
 * is stored, compared and shown, never interpreted.
 */
import { canonicalJson, sha256Hex } from '@hauban/link';
import type { InventoryReply } from '@hauban/shared/api';
import { isInventorySection } from '@hauban/shared/inventory';
import type { AgentMessage, NodeId } from '@hauban/shared/protocol';
import type { Transact } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import { diffJson } from './diff-json.ts';
import type { InventoryRepository } from './inventory.repository.ts';

type InventoryMessage = Extract<AgentMessage, { t: 'inventory' }>;
type Section = InventoryMessage['sections'][number];

export interface InventoryParts {
  readonly repository: InventoryRepository;
  readonly transaction: Transact;
  readonly log: Log;
}

export type InventoryService = ReturnType<typeof createInventoryService>;

const PAGE = 200;

export interface InventoryChangeRow {
  readonly section: string;
  readonly at: number;
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

const MOST_VERSIONS = 50;

/** Of what a node says: texts of a sane length, or none. */
function versionsIn(data: unknown): readonly string[] {
  if (!Array.isArray(data)) return [];
  return data.slice(0, MOST_VERSIONS).flatMap((row) => {
    const version: unknown = (row as { readonly version?: unknown } | null)?.version;
    return typeof version === 'string' && version.length <= 50 ? [version] : [];
  });
}

export function createInventoryService({ repository, transaction, log }: InventoryParts) {
  /** Each section by itself: a large one does not hold the others. */
  const store = async (nodeId: NodeId, section: Section, takenAt: number): Promise<void> => {
    const data = repository.storable(section.data);
    // Ours, not the node's word for it.
    const hash = sha256Hex(canonicalJson(data));
    await transaction(async (tx) => {
      const known = await repository.lock(tx, nodeId, section.name);
      // Late news of a link that was slow.
      if (known !== null && known.takenAt > takenAt) return;
      const isSame = known?.hash === hash;
      const changedAt = isSame ? known.changedAt : takenAt;
      await repository.put(tx, { nodeId, name: section.name, hash, data, takenAt, changedAt });
      if (known === null || isSame) return;
      await repository.addChanges(tx, { nodeId, section: section.name, at: takenAt }, diffJson(known.data, data));
    });
  };

  return {
    /** As the gateway hands it over (`InventoryPort`). */
    inventory: async (link: { readonly nodeId: NodeId }, message: InventoryMessage): Promise<void> => {
      for (const section of message.sections) {
        if (isInventorySection(section.name)) await store(link.nodeId, section, message.takenAt);
        else
          log.info(
            { nodeId: link.nodeId, section: section.name },
            'an inventory section of a newer agent was left out',
          );
      }
    },
    /** Has this node told nothing yet? Then everything is asked for. */
    isEmpty: async (nodeId: NodeId): Promise<boolean> => !(await repository.hasAny(nodeId)),

    /** PHP versions of every node that has told them. */
    phpVersions: async (): Promise<ReadonlyMap<string, readonly string[]>> =>
      new Map((await repository.ofAll('php')).map(({ nodeId, data }) => [nodeId, versionsIn(data)])),

    /** What every node says of the actions that its hoster put there. */
    customActions: async (): Promise<readonly { readonly nodeId: string; readonly data: unknown }[]> =>
      repository.ofAll('custom'),

    sections: async (nodeId: string): Promise<InventoryReply> => {
      const records = await repository.sections(nodeId);
      return { sections: records.map(({ name, takenAt, changedAt, data }) => ({ name, takenAt, changedAt, data })) };
    },
    changes: async (
      nodeId: string,
      page: { readonly cursor?: string; readonly limit?: number },
    ): Promise<{ changes: InventoryChangeRow[]; cursor: string | null }> => {
      const limit = page.limit ?? PAGE;
      const beforeId = /^\d{1,15}$/.test(page.cursor ?? '') ? Number(page.cursor) : null;
      const records = await repository.changes(nodeId, { beforeId, limit });
      const last = records.length < limit ? undefined : records.at(-1);
      return {
        changes: records.map(({ section, at, path, before, after }) => ({ section, at, path, before, after })),
        cursor: last === undefined ? null : String(last.id),
      };
    },
  };
}
