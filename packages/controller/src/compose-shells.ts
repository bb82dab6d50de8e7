import { inflateSync } from 'node:zlib';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from './audit/audit.service.ts';
import type { Database } from './db/index.ts';
import type { NodesService } from './nodes/nodes.service.ts';
import { createRecordingsRepository } from './recordings/recordings.repository.ts';
import { RecordingsService } from './recordings/recordings.service.ts';
import type { Log } from './runtime/index.ts';
import { createShellsRepository } from './shells/shells.repository.ts';
import { ShellsService, type ShellsParts } from './shells/shells.service.ts';

/** What shells and recordings are made of, besides their own parts. */
export interface ShellNeeds {
  readonly database: Database;
  readonly audit: AuditService;
  readonly clock: Clock;
  readonly log: Log;
  readonly controllerId: string;
  readonly signer: ShellsParts['signer'];
  readonly approvals: ShellsParts['approvals'];
  readonly nodes: NodesService;
  readonly findLink: ShellsParts['findLink'];
}

/** Inflates with a bound; undefined for what is no deflated data. */
function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** Shells, and the recordings that they leave. */
export function createShells(needs: ShellNeeds) {
  const { database, nodes } = needs;
  const { transaction } = database;
  const { find: findNode, receiptSigner, receiptKeys } = nodes;
  const shells = new ShellsService({
    ...needs,
    transaction,
    repository: createShellsRepository(database),
    findNode,
    policyText: async (nodeId) => (await nodes.detail(nodeId)).policyText,
    hostNames: nodes.hostNames,
  });
  const repository = createRecordingsRepository(database);
  const recordings = new RecordingsService({
    ...needs,
    transaction,
    repository,
    inflate,
    findNode,
    receiptSigner,
    receiptKeys,
    shells,
  });
  return { shells, recordings };
}
