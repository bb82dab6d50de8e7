import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadOrCreateKeyPair, parseJoinToken, systemClock } from '@hauban/link';
import { createAuditRepository } from '../../packages/controller/src/audit/audit.repository.ts';
import { createAuditService } from '../../packages/controller/src/audit/audit.service.ts';
import { createDatabase } from '../../packages/controller/src/db/index.ts';
import { createEnrolmentRepository } from '../../packages/controller/src/enrolment/enrolment.repository.ts';
import { createEnrolmentService } from '../../packages/controller/src/enrolment/enrolment.service.ts';
import { createNewNodes } from '../../packages/controller/src/nodes/new-nodes.service.ts';
import { createNodesRepository } from '../../packages/controller/src/nodes/nodes.repository.ts';
import { createPresence } from '../../packages/controller/src/nodes/presence.ts';
import { enrolFleetNode, keepIdentity, linkKeyFile, loadIdentity, receiptKeyFile } from './fleet-node.ts';
import type { NodeHostConfig } from './node-host-messages.ts';

function databaseUrl(dataDir: string): string {
  const folder = join(dataDir, 'postgres');
  const password = encodeURIComponent(readFileSync(join(folder, 'password'), 'utf8').trim());
  return `postgres://hauban:${password}@localhost/hauban?host=${encodeURIComponent(join(folder, 'socket'))}`;
}

/**
 * Enrols these nodes by the controller's own service on its own database, without a link for each: the handshakes of
 * thousands are most of what an enrolment takes. The first of all nodes enrols over a link, and says what they all pin.
 */
export async function enrolInBulk(
  dataDir: string,
  configs: readonly NodeHostConfig[],
  isWanted: (hostName: string) => boolean,
): Promise<void> {
  const [first] = configs;
  const [hostName] = first?.hostNames ?? [];
  if (first === undefined || hostName === undefined) return;
  const pattern = join(first.folder, hostName);
  await enrolFleetNode({ folder: pattern, hostName, url: first.url }, first.joinToken);
  const { nodeId: _nodeId, ...pinned } = loadIdentity(pattern);
  const database = createDatabase({ url: databaseUrl(dataDir) });
  const { transaction } = database;
  const { enrol } = createEnrolmentService({
    repository: createEnrolmentRepository(database),
    nodes: createNewNodes(createNodesRepository(database), createPresence(), () => undefined),
    audit: createAuditService({ repository: createAuditRepository(database), transaction, clock: systemClock }),
    ...{ transaction, clock: systemClock },
    authorityKeys: () => Promise.resolve({ authorityKeys: pinned.authorityKeys, authoritySteps: [] }),
  });
  const enrolAll = async ({ folder: root, hostNames, joinToken }: NodeHostConfig): Promise<void> => {
    const token = parseJoinToken(joinToken);
    if (!token.ok) throw new Error(token.problem);
    const { tokenId, secret } = token.value;
    for (const name of hostNames.filter(isWanted)) {
      const folder = join(root, name);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const answer = await enrol({
        ...{ tokenId, secret, hostName: name, agentVersion: '0.1.0', os: 'Debian 12', address: '127.0.0.1' },
        linkKey: loadOrCreateKeyPair(linkKeyFile(folder)).publicText,
        receiptKey: loadOrCreateKeyPair(receiptKeyFile(folder)).publicText,
      });
      if (!answer.ok) throw new Error(`${name} could not be enrolled: ${answer.code} ${answer.detail}`);
      keepIdentity(folder, { nodeId: answer.nodeId, ...pinned });
    }
  };
  try {
    await Promise.all(configs.map(enrolAll));
  } finally {
    await database.close();
  }
}
