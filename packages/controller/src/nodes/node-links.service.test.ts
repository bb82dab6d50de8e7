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
interface Claim {
  counter: number;
  marks: string[];
}

let nodeId: NodeId;
/** What the node remembers of its links. */
let copy: Claim;
/** The link key that it proves. */
let usedKey: string;
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
  const disconnect = (id: string, code: number): void => void disconnected.push(`${id} ${code}`);
  links = createNodeLinksService({
    ...shared,
    repository: createNodeLinksRepository(database),
    nodes: repository,
    disconnect,
  });
  copy = { counter: 0, marks: [] };
  usedKey = nodeId;
  nodes = createNodesService({ ...shared, repository, figuresOf: () => NO_FIGURES, disconnect });
  return () => links.stop();
});

/** Opens a link as the node whose memory `claim` is, which then knows the mark of this one. */
const openWith = async (claim: Claim, address = '192.0.2.9') => {
  const joinMark = randomUUID();
  claim.counter += 1;
  const join = { counter: claim.counter, marks: [...claim.marks] };
  claim.marks.push(joinMark);
  return links.openSession({
    ...{ nodeId, session: randomUUID(), address, version: 1, join, joinMark, linkKey: usedKey },
    isThere: () => true,
  });
};
const open = async (): Promise<{ nodeId: NodeId; session: string; epoch: number }> => {
  const opened = await openWith(copy);
  return { nodeId, session: randomUUID(), epoch: 'epoch' in opened ? opened.epoch : -1 };
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
  authority: 1,
  controllerKey: 'A'.repeat(43),
  auditHead: null,
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
    const opened = await Promise.all(Array.from({ length: 6 }, () => openWith(copy)));
    const epochs = opened.flatMap((one) => ('epoch' in one ? [one.epoch] : []));
    expect(epochs.toSorted((a, b) => a - b)).toEqual(epochs.map((_epoch, at) => at + 1));
    expect(presence.find(nodeId)?.epoch).toBe(epochs.length);
    // One that was overtaken on its way is no copy.
    for (const one of opened) if ('refused' in one) expect(one.refused).toBe(4411);
    expect(await nodes.detail(nodeId)).toMatchObject({ bar: null });
  });

  it('KEYS6 whose proof was overtaken by a newer link of the same node is refused, and nobody is locked', async () => {
    await open();
    const lateClaim = { counter: copy.counter, marks: [...copy.marks] };
    const joinMark = randomUUID();
    // The node gives that attempt up, makes another, and that one is faster.
    copy.counter += 1;
    copy.marks.push(joinMark);
    expect((await open()).epoch).toBe(2);
    const join = { ...lateClaim, counter: lateClaim.counter + 1 };
    const opening = {
      nodeId,
      session: randomUUID(),
      address: '',
      version: 1,
      join,
      joinMark,
      linkKey: nodeId,
      isThere: () => true,
    };
    expect(await links.openSession(opening)).toMatchObject({ refused: 4411 });
    expect(await nodes.detail(nodeId)).toMatchObject({ state: 'up', bar: null });
    expect((await open()).epoch).toBe(3);
  });

  it('of a node that has left meanwhile is not counted: those behind it need the time', async () => {
    const before = (await open()).epoch;
    const join = { counter: copy.counter + 1, marks: [...copy.marks] };
    const late = {
      nodeId,
      session: randomUUID(),
      address: '',
      version: 1,
      join,
      joinMark: randomUUID(),
      linkKey: nodeId,
    };
    expect(await links.openSession({ ...late, isThere: () => false })).toMatchObject({ refused: 4411 });
    // The same, had it stayed.
    expect(await links.openSession({ ...late, isThere: () => true })).toMatchObject({ epoch: before + 1 });
    const codes = (await audit.list({ code: 'A2020I', nodeId, limit: 10 })).rows;
    expect(codes).toHaveLength(2);
  });

  it('of each of many nodes that come at once is counted, in a few transactions', async () => {
    const ids = Array.from({ length: 60 }, () => randomUUID() as NodeId);
    for (const id of ids)
      await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
        VALUES (${id}, 'web', ${id}, 'r', ${tokenId}, '{}', '{}', 0, '', '')`;
    let transactions = 0;
    const repository = createNodesRepository(database);
    const many = createNodeLinksService({
      ...{ presence, audit, clock, log: createLog('silent'), nodes: repository, disconnect: () => undefined },
      repository: createNodeLinksRepository(database),
      transaction: (work) => {
        transactions += 1;
        return database.transaction(work);
      },
    });
    const opening = (id: NodeId) => ({
      ...{ nodeId: id, session: id, address: '', version: 1, joinMark: 'm', linkKey: id, isThere: () => true },
      join: { counter: 1, marks: [] },
    });
    const opened = await Promise.all(ids.map((id) => many.openSession(opening(id))));
    expect(opened).toEqual(ids.map(() => ({ epoch: 1 })));
    expect(transactions).toBeLessThan(4);
    await Promise.all(ids.map((id) => many.closeSession({ nodeId: id, session: id, epoch: 1 }, end)));
    expect(transactions).toBeLessThan(8);
    expect(ids.map((id) => presence.find(id))).toEqual(ids.map(() => null));
    expect(await audit.verify()).toMatchObject({ ok: true });
  });

  it('that cannot be judged fails: its node is not told that it was removed, and others come up', async () => {
    const repository = createNodesRepository(database);
    const broken = randomUUID() as NodeId;
    const faulty = createNodeLinksService({
      ...{ presence, audit, clock, log: createLog('silent'), transaction: database.transaction },
      repository: createNodeLinksRepository(database),
      nodes: {
        ...repository,
        lock: (tx, id) => (id === broken ? Promise.reject(new RangeError('a fault')) : repository.lock(tx, id)),
      },
      disconnect: () => undefined,
    });
    const opening = (id: NodeId) => ({
      ...{ nodeId: id, session: id, address: '', version: 1, joinMark: 'm', linkKey: id, isThere: () => true },
      join: { counter: 1, marks: [] },
    });
    const [first, second] = await Promise.allSettled([broken, nodeId].map((id) => faulty.openSession(opening(id))));
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'a fault' } });
    expect(second).toEqual({ status: 'fulfilled', value: { epoch: 1 } });
  });

  it('of a removed node is refused, and a live one is ended by the removal', async () => {
    await open();
    await nodes.remove(nodeId, actor);
    expect(disconnected).toContain(`${nodeId} 4401`);
    expect(await links.findLinkIdentity(nodeId)).toMatchObject({ linkKeys: [nodeId], isRemoved: true });
    expect(await openWith(copy)).toMatchObject({ refused: 4401 });
    await expect(nodes.detail(nodeId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await nodes.row(nodeId)).toBeNull();
    await expect(nodes.remove(nodeId, actor)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // Its history keeps its name.
    expect((await nodes.hostNames([nodeId])).get(nodeId)).toBe('web1');
  });

  it('KEYS1 of a revoked node ends at once, is refused from then on with its own code, and the node stays in the list', async () => {
    await open();
    const revoked = await nodes.revoke(nodeId, 'stolen', actor);
    expect(revoked).toMatchObject({ state: 'revoked', bar: { by: 'olga', reason: 'stolen', at: clock.nowMs() } });
    expect(disconnected).toContain(`${nodeId} 4402`);
    expect(await openWith(copy)).toMatchObject({ refused: 4402 });
    expect((await nodes.list({ state: 'revoked', limit: 1000 })).nodes.map(({ id }) => id)).toContain(nodeId);
    await expect(nodes.revoke(nodeId, 'again', actor)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(nodes.revoke(randomUUID(), 'x', actor)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const [entry] = (await audit.list({ nodeId, code: 'A2040W' })).rows;
    expect(entry).toMatchObject({ who: 'olga', detail: { reason: 'stolen' } });
  });

  it('KEYS2 that comes up at the moment at which its node is revoked is ended as well', async () => {
    const closes: number[] = [];
    const link = { ...(await open()), close: (code: number) => void closes.push(code) };
    links.linkReady(link);
    expect(closes).toEqual([]);
    await nodes.revoke(nodeId, 'stolen', actor);
    links.linkReady(link);
    expect(closes).toEqual([4402]);
  });

  it('KEYS6 KEYS7 of a copied disk is found: both are locked, with an alert, an audit entry and the state of the node', async () => {
    await open();
    const clone = { counter: copy.counter, marks: [...copy.marks] };
    await open();
    expect(await openWith(clone, '198.51.100.7')).toMatchObject({ refused: 4412 });
    expect(disconnected).toContain(`${nodeId} 4412`);
    expect(await nodes.detail(nodeId)).toMatchObject({
      state: 'locked',
      bar: { by: 'system', reason: expect.stringContaining('198.51.100.7') as string },
    });
    // Neither is believed any more, the one that was connected no more than the other.
    expect(await openWith(copy)).toMatchObject({ refused: 4412 });
    expect(await openWith(clone)).toMatchObject({ refused: 4412 });
    const entries = (await audit.list({ nodeId, code: 'A2041E' })).rows;
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      detail: { before: '192.0.2.9', counted: 2, shown: 2 },
    });
    const [row] = await fixture.sql`SELECT join_mark_hash FROM node WHERE id = ${nodeId}`;
    expect(copy.marks).not.toContain(row?.['join_mark_hash']);
  });

  it('KEYS6 of two copies that come in the same moment: one is taken, the other is found', async () => {
    await open();
    const clone = { counter: copy.counter, marks: [...copy.marks] };
    const both = await Promise.all([openWith(copy), openWith(clone)]);
    expect(both.filter((opened) => 'refused' in opened)).toMatchObject([{ refused: 4412 }]);
    expect(disconnected).toContain(`${nodeId} 4412`);
  });

  it('KEYS9 takes the new link key beside the old one, and only the new one once it was used', async () => {
    const link = await open();
    const fresh = `n-${nodeId}`;
    expect(await links.rotateLinkKey(link, { before: 'foreign', next: fresh })).toBe(false);
    for (let i = 0; i < 2; i += 1) {
      expect(await links.rotateLinkKey(link, { before: nodeId, next: fresh })).toBe(true);
      expect(await links.findLinkIdentity(nodeId)).toMatchObject({ linkKeys: [nodeId, fresh] });
    }
    // The node was killed before it heard so: it comes with the old one.
    expect((await open()).epoch).toBe(2);
    usedKey = fresh;
    expect((await open()).epoch).toBe(3);
    expect(await links.findLinkIdentity(nodeId)).toMatchObject({ linkKeys: [fresh] });
    // One that had said hello with the old key before is refused as well.
    usedKey = nodeId;
    expect(await openWith({ ...copy })).toMatchObject({ refused: 4401 });
    expect(await links.rotateLinkKey(link, { before: nodeId, next: 'x' })).toBe(false);
    expect((await audit.list({ nodeId, code: 'A2050I' })).rows).toHaveLength(1);
  });

  it('KEYS9 goes on to a third link key without a new link: beginning at the second proves it', async () => {
    const link = await open();
    const [second, third] = [`2-${nodeId}`, `3-${nodeId}`];
    expect(await links.rotateLinkKey(link, { before: nodeId, next: second })).toBe(true);
    expect(await links.rotateLinkKey(link, { before: second, next: third })).toBe(true);
    expect(await links.findLinkIdentity(nodeId)).toMatchObject({ linkKeys: [second, third] });
    expect(await links.rotateLinkKey(link, { before: nodeId, next: second })).toBe(false);
  });

  it('KEYS9 of a revoked node gets no new link key', async () => {
    const link = await open();
    await nodes.revoke(nodeId, 'stolen', actor);
    expect(await links.rotateLinkKey(link, { before: nodeId, next: `n-${nodeId}` })).toBe(false);
  });

  it('KEYS12 of a node that went on while the controller was restored is believed once, then counted again', async () => {
    await open();
    const [backup] = await fixture.sql`SELECT join_counter, join_mark_hash FROM node WHERE id = ${nodeId}`;
    copy.marks = [(await open(), copy.marks.at(-1) ?? '')];
    const { join_counter, join_mark_hash } = backup as { join_counter: string; join_mark_hash: string };
    await fixture.sql`UPDATE node SET join_counter = ${join_counter}, join_mark_hash = ${join_mark_hash}, join_shown_hashes = '{}' WHERE id = ${nodeId}`;
    expect(await database.transaction((tx) => createNodesRepository(database).forgetJoins(tx))).toBeGreaterThan(0);
    const clone = { counter: copy.counter, marks: [...copy.marks] };
    expect((await open()).epoch).toBe(3);
    expect((await open()).epoch).toBe(4);
    expect(await openWith(clone)).toMatchObject({ refused: 4412 });
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
      disconnect: () => undefined,
    });
    await heir.start();
    expect(await state()).toBe('down');
    await heir.stop();
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
    await links.stop();
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
