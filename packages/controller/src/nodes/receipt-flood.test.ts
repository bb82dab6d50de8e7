import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, signJws, systemClock } from '@hauban/link';
import { RECEIPT_STEP_TYPE, type NodeId, type ReceiptStep } from '@hauban/shared/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createNodesRepository } from './nodes.repository.ts';
import { createPresence } from './presence.ts';
import { createReceiptSteps } from './receipt-steps.service.ts';

let fixture: TestDatabase;
let database: Database;
const controllerId = randomUUID();

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

it('KEYS28 a node that replaces its receipt key a hundred times a day fills no table with more of them', async () => {
  const nodeId = randomUUID() as NodeId;
  const [key, next] = [createKeyPair(), createKeyPair()];
  await fixture.sql`INSERT INTO join_token VALUES (${nodeId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${nodeId}, 'web1', ${nodeId}, ${key.publicText}, ${nodeId}, '{}', '{}', 0, '', '')`;
  const { transaction } = database;
  const repository = createNodesRepository(database);
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock: systemClock });
  const steps = createReceiptSteps({
    repository,
    presence: createPresence(),
    audit,
    transaction,
    controllerId,
    clock: systemClock,
    log: createLog('silent'),
  });
  const former = (at: number): Promise<unknown> =>
    transaction((tx) =>
      repository.retireReceiptKey(tx, {
        nodeId,
        kid: randomUUID(),
        key: randomUUID(),
        version: 1,
        sinceAt: 0,
        untilAt: at,
        handedOver: null,
        voidAt: null,
      }),
    );
  const step: ReceiptStep = {
    v: 1,
    is: 'hauban-receipt-step',
    controller: controllerId,
    node: nodeId,
    version: 2,
    previous: null,
    before: key.publicText,
    next: next.publicText,
    issuedAt: 1,
  };
  const by = (signer: typeof key): Promise<string> =>
    signJws(step, signer, { typ: RECEIPT_STEP_TYPE, kid: keyThumbprint(signer.publicText) ?? '' });
  const signed = { byBefore: await by(key), byNext: await by(next) };
  for (let n = 0; n < 100; n += 1) await former(systemClock.nowMs());
  expect(await steps.receiptStep(nodeId, signed)).toBe(1);
  // Yesterday's do not count.
  await fixture.sql`UPDATE receipt_key SET until_at = 1 WHERE node_id = ${nodeId}`;
  expect(await steps.receiptStep(nodeId, signed)).toBe(2);
});
