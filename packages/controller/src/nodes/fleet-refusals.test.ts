import { randomUUID } from 'node:crypto';
import { createKeyPair, parseJoinToken, systemRandom } from '@hauban/link';
import { AUDIT_GENESIS } from '@hauban/shared/audit';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository, type AuditRepository } from '../audit/audit.repository.ts';
import { createAuditService, type AuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createControllerIdentityRepository } from '../enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../enrolment/controller-identity.service.ts';
import { createEnrolmentRepository } from '../enrolment/enrolment.repository.ts';
import { createEnrolmentService, type EnrolAttempt, type EnrolmentService } from '../enrolment/enrolment.service.ts';
import { createJoinTokensService, type JoinTokensService } from '../enrolment/join-tokens.service.ts';
import { createNewNodes } from './new-nodes.service.ts';
import { NO_FIGURES } from './node-row.ts';
import { createNodesRepository } from './nodes.repository.ts';
import { createNodesService, type NodesService } from './nodes.service.ts';
import { createPresence } from './presence.ts';

const clock = new FakeClock();
const by = { name: 'olga', address: '192.0.2.1' };
let fixture: TestDatabase;
let database: Database;
let audit: AuditService;
let nodes: NodesService;
let enrolment: EnrolmentService;
let joinTokens: JoinTokensService;

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const { transaction } = database;
  audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  const repository = createNodesRepository(database);
  const presence = createPresence();
  const disconnect = (): void => undefined;
  nodes = createNodesService({
    repository,
    presence,
    audit,
    transaction,
    clock,
    figuresOf: () => NO_FIGURES,
    disconnect,
  });
  const shared = { repository: createEnrolmentRepository(database), audit, transaction, clock };
  enrolment = createEnrolmentService({
    ...shared,
    nodes: createNewNodes(repository, presence, disconnect),
    authorityKeys: async () => ({ authorityKeys: [{ kid: 'k', key: 'A'.repeat(43) }], authoritySteps: [] }),
  });
  joinTokens = createJoinTokensService({
    ...shared,
    random: systemRandom,
    linkKey: () => createKeyPair().publicText,
    publicUrl: new URL('https://hauban.example'),
  });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

/** By a token of its own, made for that node or for a new one. */
async function attemptBy(nodeId: string | null, more: Partial<EnrolAttempt> = {}): Promise<EnrolAttempt> {
  const { token } = await (nodeId === null
    ? joinTokens.make({}, by)
    : joinTokens.makeForNode({ id: nodeId, labels: {}, roles: [] }, by));
  const parsed = parseJoinToken(token);
  if (!parsed.ok) throw new TypeError(parsed.problem);
  const { tokenId, secret } = parsed.value;
  return {
    tokenId,
    secret,
    linkKey: createKeyPair().publicText,
    receiptKey: createKeyPair().publicText,
    hostName: 'web1',
    agentVersion: '1',
    os: 'Debian',
    address: '192.0.2.9',
    ...more,
  };
}

describe('an enrolment', () => {
  it('with the keys of a node that is enrolled, by another token than its own, is refused', async () => {
    const first = await attemptBy(null);
    const enrolled = await enrolment.enrol(first);
    expect(enrolled).toMatchObject({ ok: true });
    // The answer was lost: the same token again is the same node.
    expect(await enrolment.enrol(first)).toMatchObject({ ok: true });
    const { linkKey, receiptKey } = first;
    expect(await enrolment.enrol(await attemptBy(null, { linkKey, receiptKey }))).toMatchObject({
      ok: false,
      code: 'ENROLMENT_REFUSED',
    });
  });

  it('by a token for a node that was removed meanwhile is refused, and gives that node no keys', async () => {
    const enrolled = await enrolment.enrol(await attemptBy(null));
    const nodeId = enrolled.ok ? enrolled.nodeId : '';
    const again = await attemptBy(nodeId);
    await fixture.sql`UPDATE node SET revoked_at = 1 WHERE id = ${nodeId}`;
    expect(await enrolment.enrol(again)).toMatchObject({ ok: false, code: 'ENROLMENT_REFUSED' });
    const [row] = await fixture.sql`SELECT link_key FROM node WHERE id = ${nodeId}`;
    expect(row?.['link_key']).not.toBe(again.linkKey);
  });
});

describe('a node that is not there', () => {
  it('has no details, and nothing of it is changed', async () => {
    const gone = { code: 'NOT_FOUND' };
    await expect(nodes.detail(randomUUID())).rejects.toMatchObject(gone);
    await expect(nodes.patch(randomUUID(), { labels: { tier: 'web' } }, by)).rejects.toMatchObject(gone);
    const enrolled = await enrolment.enrol(await attemptBy(null));
    const nodeId = enrolled.ok ? enrolled.nodeId : '';
    await fixture.sql`UPDATE node SET revoked_at = 1 WHERE id = ${nodeId}`;
    await expect(nodes.detail(nodeId)).rejects.toMatchObject(gone);
  });
});

describe('a controller', () => {
  it('with the key file of another one does not take its database over', async () => {
    const repository = createControllerIdentityRepository(database);
    await fixture.sql`DELETE FROM controller`;
    const own = createKeyPair();
    const { controllerId } = await loadControllerIdentity(repository, own, clock);
    await expect(loadControllerIdentity(repository, createKeyPair(), clock)).rejects.toMatchObject({
      code: 'CONFIG_BAD',
    });
    expect(await loadControllerIdentity(repository, own, clock)).toMatchObject({ controllerId });
  });
});

describe('the audit log', () => {
  it('whose tail names another hash than its last row has is not whole', async () => {
    const verify = (tail: { readonly seq: number; readonly hash: string }) => {
      const repository = { tail: async () => tail, listAfter: async () => [] } as unknown as AuditRepository;
      return createAuditService({ repository, transaction: database.transaction, clock }).verify();
    };
    expect(await verify({ seq: 0, hash: AUDIT_GENESIS })).toMatchObject({ ok: true });
    expect(await verify({ seq: 0, hash: 'f'.repeat(64) })).toMatchObject({ ok: false, seq: 0 });
    expect(await verify({ seq: 1, hash: 'f'.repeat(64) })).toMatchObject({ ok: false, seq: 1 });
  });
});
