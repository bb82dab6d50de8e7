import { randomUUID } from 'node:crypto';
import type { AgentMessage, NodeId } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService, type AuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createLinkRefusals } from './link-refusals.service.ts';
import { createNodeLinksRepository } from './node-links.repository.ts';
import { createNodeLinksService } from './node-links.service.ts';
import { NO_FIGURES } from './node-row.ts';
import { createNodesRepository } from './nodes.repository.ts';
import { createNodesService, type NodesService } from './nodes.service.ts';
import { createPresence, type Presence } from './presence.ts';

let fixture: TestDatabase;
let database: Database;
let audit: AuditService;
let presence: Presence;
let nodes: NodesService;
let links: ReturnType<typeof createNodeLinksService>;
let nodeId: NodeId;
const clock = new FakeClock();
const tokenId = randomUUID();
const disconnected: string[] = [];
const actor = { name: 'olga', address: '192.0.2.1' };

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  await fixture.sql`INSERT INTO join_token VALUES (${tokenId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  const { transaction } = database;
  audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(async () => {
  nodeId = randomUUID() as NodeId;
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${nodeId}, 'web1', ${nodeId}, 'r', ${tokenId}, '{}', '{}', 0, '', '')`;
  presence = createPresence();
  const repository = createNodesRepository(database);
  const shared = { presence, audit, transaction: database.transaction, clock, log: createLog('silent') };
  links = createNodeLinksService({ ...shared, repository: createNodeLinksRepository(database), nodes: repository });
  const disconnect = (id: string): void => void disconnected.push(id);
  nodes = createNodesService({ ...shared, repository, figuresOf: () => NO_FIGURES, disconnect });
  return () => links.stop();
});

const open = async (): Promise<{ nodeId: NodeId; session: string; epoch: number }> => {
  const session = randomUUID();
  const opened = await links.openSession({ nodeId, session, address: '192.0.2.9', version: 1 });
  return { nodeId, session, epoch: opened?.epoch ?? -1 };
};
const status = (
  more: Partial<Extract<AgentMessage, { t: 'status' }>> = {},
): Extract<AgentMessage, { t: 'status' }> => ({
  t: 'status',
  agentVersion: '2.0',
  hostName: 'web1.example',
  boot: randomUUID(),
  bootedAt: 5,
  isRoot: true,
  actions: [{ name: 'node.ping', version: 1 }],
  policyText: 'version = 1',
  spoolChunks: 3,
  shells: [randomUUID()],
  bundle: 0,
  ...more,
});
const end = { code: 1006, why: 'lost' };
const state = async (): Promise<string> => (await nodes.detail(nodeId)).state;

describe('a link', () => {
  it('makes the node up, with what it says of itself, and down when it ends', async () => {
    const changes: string[] = [];
    presence.onChange(({ kind }) => void changes.push(kind));
    expect(await state()).toBe('never-seen');
    const link = await open();
    expect(link.epoch).toBe(1);
    await links.status(link, status());
    expect(await nodes.detail(nodeId)).toMatchObject({
      state: 'up',
      hostName: 'web1.example',
      agentVersion: '2.0',
      isRoot: true,
      policyText: 'version = 1',
      actions: [{ name: 'node.ping', version: 1 }],
      openShells: 1,
      spoolChunks: 3,
      remoteAddress: '192.0.2.9',
      lastSeenAt: clock.nowMs(),
    });
    expect(nodes.liveRow(nodeId)).toMatchObject({ state: 'up', hostName: 'web1.example' });
    clock.advance(5000);
    await links.closeSession(link, end);
    expect(await nodes.detail(nodeId)).toMatchObject({ state: 'down', lastSeenAt: clock.nowMs(), openShells: 0 });
    expect(nodes.liveRow(nodeId)).toBeNull();
    expect(changes).toEqual(['changed', 'changed', 'changed']);
    expect((await audit.list({ nodeId })).rows.map(({ code }) => code)).toEqual(['A2021I', 'A2020I']);
  });

  it('that was replaced says nothing any more: neither its end nor its status counts', async () => {
    const first = await open();
    const second = await open();
    expect(second.epoch).toBe(first.epoch + 1);
    await links.status(second, status({ hostName: 'new' }));
    await links.status(first, status({ hostName: 'stale' }));
    await links.closeSession(first, end);
    expect(await nodes.detail(nodeId)).toMatchObject({ state: 'up', hostName: 'new' });
    expect(nodes.liveRow(nodeId)).toMatchObject({ hostName: 'new' });
    await links.closeSession(second, end);
    expect(await state()).toBe('down');
  });

  it('has a growing epoch also when many come at once', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, () => open()));
    expect(opened.map(({ epoch }) => epoch).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(presence.find(nodeId)?.epoch).toBe(6);
  });

  it('of a removed node is refused, and a live one is ended by the removal', async () => {
    await open();
    await nodes.remove(nodeId, actor);
    expect(disconnected).toContain(nodeId);
    expect(await links.findLinkIdentity(nodeId)).toEqual({ linkKey: nodeId, isRevoked: true });
    expect(await links.openSession({ nodeId, session: randomUUID(), address: '', version: 1 })).toBeNull();
    await expect(nodes.detail(nodeId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await nodes.row(nodeId)).toBeNull();
    await expect(nodes.remove(nodeId, actor)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // Its history keeps its name.
    expect((await nodes.hostNames([nodeId])).get(nodeId)).toBe('web1');
  });

  it('that a killed controller left behind is not taken for one', async () => {
    await open();
    const heir = createNodeLinksService({
      presence: createPresence(),
      audit,
      transaction: database.transaction,
      clock,
      log: createLog('silent'),
      repository: createNodeLinksRepository(database),
      nodes: createNodesRepository(database),
    });
    await heir.start();
    expect(await state()).toBe('down');
    heir.stop();
  });

  it('that ends while the database is away is down at once, and stored when it is back', async () => {
    await links.start();
    const link = await open();
    await fixture.sql`ALTER TABLE node RENAME TO away`;
    await expect(links.closeSession(link, end)).rejects.toThrow('Failed query');
    expect(nodes.liveRow(nodeId)).toBeNull();
    await fixture.sql`ALTER TABLE away RENAME TO node`;
    expect(await state()).toBe('up');
    clock.advance(30_000);
    await expect.poll(state).toBe('down');
  });

  it('keeps the last-seen time fresh in the database, for the next controller', async () => {
    await links.start();
    await open();
    clock.advance(30_000);
    await expect
      .poll(async () =>
        Number((await fixture.sql`SELECT last_seen_at AS at FROM node WHERE id = ${nodeId}`)[0]?.['at']),
      )
      .toBe(clock.nowMs());
    links.stop();
  });
});

describe('refused links', () => {
  it('that knock without end fill one row of the audit log with their number', async () => {
    const refusals = createLinkRefusals(audit, clock, createLog('silent'));
    const knock = {
      mode: 'node' as const,
      claimedNodeId: nodeId,
      address: '198.51.100.4',
      code: 4401,
      why: 'wrong key',
    };
    for (let n = 0; n < 500; n += 1) refusals.refused(knock);
    refusals.refused({ ...knock, mode: 'enrol', claimedNodeId: '' });
    await refusals.stop();
    const { rows } = await audit.list({ limit: 2 });
    expect(Object.fromEntries(rows.map(({ code, detail }) => [code, detail['count']]))).toEqual({
      A2011W: 1,
      A2022W: 500,
    });
  });
});
