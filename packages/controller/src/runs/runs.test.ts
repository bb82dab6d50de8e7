import { randomUUID } from 'node:crypto';
import {
  createKeyPair,
  keyThumbprint,
  orderHash,
  pinnedKeys,
  signOrder,
  signReceipt,
  verifyOrder,
  type KeyPair,
} from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { ActionOrder, NodeId, Receipt } from '@hauban/shared/protocol';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAccountUidsRepository } from '../actions/account-uids.repository.ts';
import { createActionsService } from '../actions/actions.service.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService, type AuditService } from '../audit/audit.service.ts';
import { createRuns } from '../compose-runs.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createNodesRepository } from '../nodes/nodes.repository.ts';
import { createNodesService } from '../nodes/nodes.service.ts';
import { createPresence } from '../nodes/presence.ts';
import { NO_FIGURES } from '../nodes/node-row.ts';
import { createLog } from '../runtime/index.ts';
import type { Requester } from './start-run.service.ts';

const requester: Requester = { id: randomUUID(), name: 'olga', via: 'api', address: '192.0.2.1' };
const controllerId = randomUUID();
const authority = createKeyPair();
const kid = keyThumbprint(authority.publicText) ?? '';

interface TestNode {
  readonly id: NodeId;
  readonly key: KeyPair;
}

let fixture: TestDatabase;
let database: Database;
let audit: AuditService;
let nodes: TestNode[];
const clock = new FakeClock(Date.now());
const online = new Set<string>();
let sent: { readonly nodeId: string; readonly jws: string }[] = [];
let signerMode: 'up' | 'away' | 'refuses' = 'up';
let made: ReturnType<typeof createRuns>;

function build(): ReturnType<typeof createRuns> {
  const { transaction, together } = database;
  const log = createLog('silent');
  audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  const fleet = createNodesService({
    repository: createNodesRepository(database),
    presence: createPresence(),
    audit,
    transaction,
    clock,
    figuresOf: () => NO_FIGURES,
    disconnect: () => undefined,
  });
  return createRuns({ audit, transaction, together, clock, random: new SeededRandom(1), log }, database, {
    controllerId,
    isWatched: () => true,
    signer: {
      sign: async (order) => {
        if (signerMode === 'away') throw new HaubanError('UNAVAILABLE', 'away');
        if (signerMode === 'refuses') throw new HaubanError('ORDER_MALFORMED', 'no such thing');
        return signOrder(order, authority, kid);
      },
    },
    approvals: {
      neededFor: () => ({ count: 0, waitMs: 0 }),
      ask: () => expect.fail('nothing needs approval here'),
    },
    actions: createActionsService(createAccountUidsRepository(database), clock, () => Promise.resolve([])),
    nodes: fleet,
    health: async () => new Map(),
    judgeRelease: async () => ({ isGone: false, forbidden: new Set() }),
    shellReceipt: async () => true,
    links: {
      isOnline: (nodeId) => online.has(nodeId),
      send: (nodeId, jws) => {
        if (online.has(nodeId)) sent.push({ nodeId, jws });
        return online.has(nodeId);
      },
    },
  });
}

async function addNode(n: number): Promise<TestNode> {
  const id = randomUUID() as NodeId;
  const key = createKeyPair();
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${id}, ${`node-${n}<b>`}, ${id}, ${key.publicText}, ${controllerId}, '{}', '{}', 0, '', '')`;
  return { id, key };
}

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  await fixture.sql`INSERT INTO join_token VALUES (${controllerId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  nodes = await Promise.all(Array.from({ length: 4 }, (_, n) => addNode(n)));
  made = build();
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(() => {
  online.clear();
  for (const { id } of nodes) online.add(id);
  sent = [];
  signerMode = 'up';
});

function node(n = 0): TestNode {
  const found = nodes.at(n);
  if (found === undefined) throw new RangeError('no such test node');
  return found;
}
const ping = (more: Partial<RunRequest> = {}): RunRequest => ({
  action: 'node.ping',
  args: {},
  nodes: [node().id],
  mode: 'apply',
  ...more,
});
const start = (request: RunRequest = ping()): Promise<RunDetail> => made.runs.start(request, requester);
const stateOf = async (run: RunDetail, n = 0): Promise<string | undefined> =>
  (await made.runs.get(run.id)).targets[n]?.state;

/** The receipt of the order that was sent last, as the node would sign it. */
function receiptFor(jws: string, more: Partial<Receipt> = {}): Receipt {
  const order = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ActionOrder;
  return {
    v: 1,
    order: order.id,
    orderHash: orderHash(jws),
    node: order.aud,
    kind: 'action',
    mode: order.mode,
    outcome: 'succeeded',
    code: null,
    detail: 'done',
    plan: null,
    verification: [],
    data: null,
    startedAt: clock.nowMs(),
    finishedAt: clock.nowMs(),
    ...more,
  };
}
const lastSent = (): string => sent.at(-1)?.jws ?? '';
async function answer(jws: string, by: TestNode = node(), more: Partial<Receipt> = {}): Promise<string | null> {
  return made.receipts.receipt({ nodeId: by.id }, await signReceipt(receiptFor(jws, more), by.key));
}

describe('a run', () => {
  it('is signed, stored and sent, and ends with the receipt of its node', async () => {
    const news: string[] = [];
    const end = made.runs.onRun((event) => void news.push(event.kind === 'target' ? event.target.state : 'run'));
    const run = await start(ping({ reason: 'because' }));
    expect(run.targets).toMatchObject([{ nodeId: node().id, hostName: 'node-0<b>', state: 'leased' }]);
    expect(sent).toHaveLength(1);
    const verified = await verifyOrder(lastSent(), pinnedKeys([{ kid, key: authority.publicText }]));
    expect(verified).toMatchObject({
      ok: true,
      value: {
        id: run.targets[0]?.orderId,
        aud: node().id,
        iss: controllerId,
        action: 'node.ping',
        mode: 'apply',
        reason: 'because',
        requester: { name: 'olga', via: 'api' },
      },
    });
    const orderId = run.targets[0]?.orderId ?? '';
    await made.dispatch.orderTaken({ nodeId: node().id }, orderId);
    expect(await stateOf(run)).toBe('delivered');
    await made.dispatch.progress(
      { nodeId: node().id },
      { t: 'progress', order: orderId, step: 'one', done: 1, total: 3 },
    );
    expect((await made.runs.get(run.id)).targets[0]).toMatchObject({
      state: 'started',
      step: 'one',
      stepDone: 1,
      stepTotal: 3,
    });
    const waiting = made.runs.get(run.id, 60_000);
    expect(await answer(lastSent(), node(), { data: { answer: 42 } })).toBe(orderId);
    expect(await waiting).toMatchObject({
      counts: { succeeded: 1 },
      targets: [{ state: 'succeeded', data: { answer: 42 }, step: null }],
    });
    expect((await made.runs.get(run.id)).finishedAt).not.toBeNull();
    expect(news.filter((kind) => kind !== 'run')).toEqual(['started', 'succeeded']);
    end();
    const codes = (await audit.list({ nodeId: node().id })).rows.map(({ code }) => code);
    expect(codes.slice(0, 2)).toEqual(['A3010I', 'A3001I']);
  });

  it('that is waited for is answered with its outcome by the one request, or as it stands after the time', async () => {
    const waiting = made.runs.start(ping(), requester, 60_000);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    await answer(lastSent(), node());
    expect(await waiting).toMatchObject({ counts: { succeeded: 1 }, targets: [{ state: 'succeeded' }] });
    online.clear();
    let late: RunDetail | null = null;
    void made.runs.start(ping({ nodes: [node(3).id] }), requester, 20).then((run) => (late = run));
    await vi.waitFor(() => {
      clock.advance(20);
      expect(late).toMatchObject({ finishedAt: null, targets: [{ state: 'queued' }] });
    });
  });

  it('of an offline node waits and is sent again at each link, byte for byte the same, until its receipt', async () => {
    online.clear();
    const run = await start();
    expect(await stateOf(run)).toBe('queued');
    expect(sent).toEqual([]);
    const first = await made.dispatch.pendingOrders({ nodeId: node().id });
    const second = await made.dispatch.pendingOrders({ nodeId: node().id });
    expect(first).toHaveLength(1);
    expect(second).toEqual(first);
    expect(await made.dispatch.pendingOrders({ nodeId: node(1).id })).toEqual([]);
    await made.dispatch.storeMoments();
    expect(await stateOf(run)).toBe('leased');
    await answer(first[0] ?? '');
    expect(await made.dispatch.pendingOrders({ nodeId: node().id })).toEqual([]);
  });

  it('survives a controller that dies after it was stored: the next one sends and believes the same order', async () => {
    online.clear();
    const run = await start();
    made = build();
    const [jws = ''] = await made.dispatch.pendingOrders({ nodeId: node().id });
    expect(await answer(jws)).toBe(run.targets[0]?.orderId);
    expect(await stateOf(run)).toBe('succeeded');
  });

  it('on many nodes ends when the last target has, whatever their outcomes', async () => {
    const run = await start(ping({ nodes: nodes.map(({ id }) => id) }));
    const outcomes = ['succeeded', 'failed', 'refused', 'undetermined'] as const;
    await Promise.all(
      nodes.map(async (by, n) => {
        const mine = sent.find(({ nodeId }) => nodeId === by.id)?.jws ?? '';
        await answer(mine, by, { outcome: outcomes.at(n) ?? 'failed', code: n === 0 ? null : 'ACTION_FAILED' });
      }),
    );
    const detail = await made.runs.get(run.id);
    expect(detail.counts).toEqual({ succeeded: 1, failed: 1, refused: 1, undetermined: 1 });
    expect(detail.finishedAt).not.toBeNull();
  });

  it('is listed newest first, by action and node, page by page', async () => {
    const page = await made.runs.list({ limit: 2 });
    expect(page.runs).toHaveLength(2);
    const rest = await made.runs.list({ limit: 1000, ...(page.cursor === null ? {} : { cursor: page.cursor }) });
    const all = await made.runs.list({ limit: 1000 });
    expect([...page.runs, ...rest.runs]).toEqual(all.runs);
    expect((await made.runs.list({ action: 'no.such' })).runs).toEqual([]);
    const third = await made.runs.list({ nodeId: node(3).id, limit: 1000 });
    expect(third.runs.length).toBeLessThan(all.runs.length);
  });
});

describe('a request is refused', () => {
  const unknown = randomUUID();
  it.each<[string, () => RunRequest, string]>([
    ['for an action that does not exist', () => ping({ action: 'rm.rf' }), 'ACTION_UNKNOWN'],
    ['for an action by a name of the language', () => ping({ action: '__proto__' }), 'ACTION_UNKNOWN'],
    ['for a field that the action does not have', () => ping({ args: { command: 'id' } }), 'ACTION_ARGUMENTS'],
    ['for a node that does not exist', () => ({ ...ping(), nodes: [unknown] }), 'NOT_FOUND'],
    ['for one unknown node among known ones', () => ping({ nodes: [node().id, unknown] }), 'NOT_FOUND'],
    ['with a plan confirmed for a plan', () => ping({ mode: 'plan', planHash: 'a'.repeat(64) }), 'BAD_REQUEST'],
    ['with a line break in its reason', () => ping({ reason: 'a\nb' }), 'BAD_REQUEST'],
    [
      'with shell characters in an argument',
      () => ping({ action: 'account.create', args: { name: 'w4a100010;id', domain: 'a.example', phpVersion: '8.2' } }),
      'ACTION_ARGUMENTS',
    ],
  ])('%s', async (_name, request, code) => {
    await expect(start(request())).rejects.toMatchObject({ code });
    expect(sent).toEqual([]);
  });

  it('for a node that was removed', async () => {
    const gone = await addNode(9);
    await fixture.sql`UPDATE node SET revoked_at = 1 WHERE id = ${gone.id}`;
    await expect(start({ ...ping(), nodes: [gone.id] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the idempotency key', () => {
  it('gives the same run for the same content, also when both come at once, and refuses other content', async () => {
    const request = ping({ idempotencyKey: randomUUID() });
    const [first, second] = await Promise.all([start(request), start(request)]);
    expect(second?.id).toBe(first?.id);
    expect((await start(request)).id).toBe(first?.id);
    expect(sent).toHaveLength(1);
    await expect(start({ ...request, mode: 'plan' })).rejects.toMatchObject({ code: 'CONFLICT' });
    // Another person's key is another key.
    const other = await made.runs.start(request, { ...requester, id: randomUUID() });
    expect(other.id).not.toBe(first?.id);
  });
});

describe('a receipt', () => {
  it('that is repeated is acknowledged again and changes nothing', async () => {
    const run = await start();
    const orderId = run.targets[0]?.orderId;
    expect(await answer(lastSent())).toBe(orderId);
    const before = await made.runs.get(run.id);
    // Even one that says something else now: the first word counts.
    expect(await answer(lastSent(), node(), { outcome: 'failed', code: 'ACTION_FAILED' })).toBe(orderId);
    const both = await Promise.all([answer(lastSent()), answer(lastSent())]);
    expect(both).toEqual([orderId, orderId]);
    expect(await made.runs.get(run.id)).toEqual(before);
  });

  it('that comes many times at once counts once', async () => {
    const run = await start(ping({ nodes: [node(0).id, node(1).id] }));
    const mine = sent.find(({ nodeId }) => nodeId === node().id)?.jws ?? '';
    await Promise.all(Array.from({ length: 20 }, () => answer(mine)));
    const detail = await made.runs.get(run.id);
    expect(detail.finishedAt).toBeNull();
    expect(detail.counts).toEqual({ succeeded: 1, leased: 1 });
  });

  const attacks: [string, (jws: string) => Promise<[TestNode, string]>][] = [
    ['by a wrong key', async (jws) => [node(), await signReceipt(receiptFor(jws), createKeyPair())]],
    [
      'by another node in its own name',
      async (jws) => [node(1), await signReceipt(receiptFor(jws, { node: node(1).id }), node(1).key)],
    ],
    ["by another node in this node's name", async (jws) => [node(1), await signReceipt(receiptFor(jws), node(1).key)]],
    ['over the link of another node', async (jws) => [node(1), await signReceipt(receiptFor(jws), node(0).key)]],
    [
      'for another content of the order',
      async (jws) => [node(), await signReceipt(receiptFor(jws, { orderHash: 'a'.repeat(64) }), node().key)],
    ],
    [
      'for an order that does not exist',
      async (jws) => [node(), await signReceipt(receiptFor(jws, { order: randomUUID() }), node().key)],
    ],
    [
      'with its payload altered',
      async (jws) => [node(), alter(await signReceipt(receiptFor(jws, { outcome: 'failed', code: 'X' }), node().key))],
    ],
    [
      'signed as an order',
      async (jws) => [
        node(),
        await signOrder(receiptFor(jws) as never, node().key, keyThumbprint(node().key.publicText) ?? ''),
      ],
    ],
    ['that is no JWS', async () => [node(), 'a.b.c']],
  ];
  it.each(attacks)('%s is not believed and not acknowledged', async (_name, attack) => {
    const run = await start();
    const [by, jws] = await attack(lastSent());
    expect(await made.receipts.receipt({ nodeId: by.id }, jws)).toBeNull();
    expect(await stateOf(run)).toBe('leased');
    expect((await audit.list({ limit: 1 })).rows[0]).toMatchObject({ code: 'A3020W', outcome: 'refused' });
    // The true one is believed afterwards.
    expect(await answer(sent.find(({ nodeId }) => nodeId === node().id)?.jws ?? '')).not.toBeNull();
  });

  it('forged without end fills twenty rows a minute of the audit log, not more', async () => {
    const forger = await addNode(77);
    const count = async (): Promise<number> => (await audit.list({ nodeId: forger.id, limit: 1000 })).rows.length;
    const forge = async (): Promise<unknown> => made.receipts.receipt({ nodeId: forger.id }, 'a.b.c');
    for (let n = 0; n < 50; n += 1) expect(await forge()).toBeNull();
    expect(await count()).toBe(20);
    clock.advance(60_000);
    await forge();
    expect(await count()).toBe(21);
  });

  it('may hold anything: what the API promises has its shape, the rest is data', async () => {
    const run = await start();
    const script = '<script>alert(1)</script>';
    const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`) as unknown;
    await answer(lastSent(), node(), {
      detail: `${script}\0`,
      plan: {
        hash: 'h',
        changes: [{ kind: script, title: 5, before: null, after: { x: 1 } }, null, 'text'],
        notes: [script, 7],
      },
      verification: [{ name: script, ok: 1, saw: 'x\0y' }],
      data: { deep, text: '2', half: '\ud83d' },
    });
    const [target] = (await made.runs.get(run.id)).targets;
    expect(target).toMatchObject({
      detail: `${script}\uFFFD`,
      plan: {
        hash: 'h',
        notes: [script, ''],
        changes: [{ kind: script, title: '', before: null, after: null }, { kind: '' }, { kind: '' }],
      },
      verification: [{ name: script, ok: true, saw: 'x\uFFFDy' }],
      data: { text: '2', half: '\uFFFD' },
    });
  });
});

function alter(jws: string): string {
  const [head, body = '', signature] = jws.split('.');
  const payload = Buffer.from(body, 'base64url').toString().replace('"failed"', '"succeeded"');
  return [head, Buffer.from(payload).toString('base64url'), signature].join('.');
}

describe('expiry', () => {
  it('closes what was never sent at once, what was sent a little later, and what was taken last, as undetermined', async () => {
    online.clear();
    const queued = await start(ping({ startWithinMs: 1000 }));
    online.add(node(1).id);
    const leased = await start(ping({ startWithinMs: 1000, nodes: [node(1).id] }));
    online.add(node(2).id);
    const taken = await start(ping({ startWithinMs: 1000, nodes: [node(2).id] }));
    const takenJws = lastSent();
    await made.dispatch.orderTaken({ nodeId: node(2).id }, taken.targets[0]?.orderId ?? '');
    const states = async (): Promise<unknown[]> => {
      await made.dispatch.storeMoments();
      await made.expiry.sweep();
      return Promise.all([queued, leased, taken].map((run) => stateOf(run)));
    };
    expect(await states()).toEqual(['queued', 'leased', 'delivered']);
    clock.advance(1500);
    expect(await states()).toEqual(['expired', 'leased', 'delivered']);
    expect((await made.runs.get(queued.id)).finishedAt).not.toBeNull();
    clock.advance(31_000);
    expect(await states()).toEqual(['expired', 'expired', 'delivered']);
    clock.advance(2 * Math.max(...[...ACTIONS.values()].map(({ timeoutMs }) => timeoutMs)) + 60_000);
    expect(await states()).toEqual(['expired', 'expired', 'undetermined']);
    expect(await made.dispatch.pendingOrders({ nodeId: node().id })).toEqual([]);
    // The node's own word, however late, replaces what was only assumed, and the run does not end twice.
    await answer(takenJws, node(2));
    const late = await made.runs.get(taken.id);
    expect(late).toMatchObject({ counts: { succeeded: 1 }, targets: [{ state: 'succeeded' }] });
    expect(await fixture.sql`SELECT count(*)::int AS n FROM run WHERE open_targets < 0`).toEqual([{ n: 0 }]);
  });
});

describe('the signer', () => {
  it('that is away leaves orders in the queue; they are signed and sent when it is back', async () => {
    signerMode = 'away';
    const run = await start();
    expect(await stateOf(run)).toBe('queued');
    await made.signing.work();
    expect(sent).toEqual([]);
    signerMode = 'up';
    made.signing.wake();
    await made.signing.work();
    expect(sent).toHaveLength(1);
    expect(await stateOf(run)).toBe('leased');
    await answer(lastSent());
    expect(await stateOf(run)).toBe('succeeded');
  });

  it('that refuses ends the target as refused, at once and from the queue', async () => {
    signerMode = 'refuses';
    const run = await start();
    expect(run).toMatchObject({ counts: { refused: 1 }, targets: [{ state: 'refused', code: 'ORDER_MALFORMED' }] });
    expect(run.finishedAt).not.toBeNull();
    signerMode = 'away';
    const later = await start();
    signerMode = 'refuses';
    made.signing.wake();
    await made.signing.work();
    expect(await made.runs.get(later.id)).toMatchObject({ counts: { refused: 1 } });
    expect((await made.runs.get(later.id)).finishedAt).not.toBeNull();
    expect((await audit.list({ code: 'A3002W' })).rows).toHaveLength(2);
  });

  it('signs a run of many nodes behind: the answer does not wait for it', async () => {
    const many = await Promise.all(Array.from({ length: 150 }, (_, n) => addNode(n)));
    for (const { id } of many) online.add(id);
    const run = await start(ping({ nodes: many.map(({ id }) => id) }));
    expect(run.counts).toEqual({ queued: 150 });
    await made.signing.work();
    expect(sent).toHaveLength(150);
    const byId = new Map(many.map((by) => [by.id as string, by]));
    await Promise.all(sent.map(({ nodeId, jws }) => answer(jws, byId.get(nodeId) ?? node())));
    expect(await made.runs.get(run.id)).toMatchObject({ counts: { succeeded: 150 } });
    expect(await audit.verify()).toMatchObject({ ok: true });
  });
});

describe('a uid that is left out', () => {
  const args = (name: string, uid?: number) => ({
    name,
    domain: `${name}.example`,
    phpVersion: '8.2',
    ...(uid === undefined ? {} : { uid }),
  });
  const create = async (name: string, mode: 'plan' | 'apply', uid?: number): Promise<unknown> =>
    (await start({ action: 'account.create', args: args(name, uid), nodes: [node().id], mode })).args['uid'];

  it('belongs to the account for ever: the same for plan and apply, never given to another', async () => {
    const first = await create('w4a100001', 'plan');
    expect(await create('w4a100001', 'apply')).toBe(first);
    const others = await Promise.all(Array.from({ length: 8 }, (_, n) => create(`w4a20000${n}`, 'plan')));
    expect(new Set([first, ...others]).size).toBe(9);
    for (const uid of others) expect(uid).toSatisfy((n: number) => n >= 100_000 && n <= 499_999);
  });

  it('may be chosen when it is free, and is passed over by the register then', async () => {
    const next = Number((await fixture.sql`SELECT last_value::int AS n FROM account_uid_next`)[0]?.['n']) + 1;
    expect(await create('w4a300001', 'plan', next)).toBe(next);
    expect(await create('w4a300002', 'plan')).toBe(next + 1);
    await expect(create('w4a300003', 'plan', next)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
    await expect(create('w4a300001', 'plan', 499_000)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
    await expect(create('w4a300004', 'plan', 0)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
  });
});
