import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { pinnedKeys, verifyOrder } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRunDesk, type RunDesk } from '../../../../test/support/run-desk.ts';
import type { RunWorld } from '../../../../test/support/run-world.ts';

let desk: RunDesk;
let world: RunWorld;
beforeAll(async () => {
  desk = await createRunDesk();
  ({ world } = desk);
});
afterAll(() => world.stop());
beforeEach(() => desk.startOver());

describe('a run', () => {
  it('is signed, stored and sent, and ends with the receipt of its node', async () => {
    const news: string[] = [];
    const end = desk.made.runs.onRun((event) => void news.push(event.kind === 'target' ? event.target.state : 'run'));
    const run = await desk.start(desk.ping({ reason: 'because' }));
    expect(run.targets).toMatchObject([{ nodeId: desk.node().id, hostName: 'node-0<b>', state: 'leased' }]);
    expect(world.sent()).toHaveLength(1);
    const verified = await verifyOrder(desk.lastSent(), pinnedKeys([world.authority]));
    expect(verified).toMatchObject({
      ok: true,
      value: {
        id: run.targets[0]?.orderId,
        aud: desk.node().id,
        iss: world.controllerId,
        action: 'node.ping',
        mode: 'apply',
        reason: 'because',
        requester: { name: 'olga', via: 'api' },
      },
    });
    const orderId = run.targets[0]?.orderId ?? '';
    await desk.made.dispatch.orderTaken({ nodeId: desk.node().id }, orderId);
    expect(await desk.stateOf(run)).toBe('delivered');
    await desk.made.dispatch.progress(
      { nodeId: desk.node().id },
      { t: 'progress', order: orderId, step: 'one', done: 1, total: 3 },
    );
    expect((await desk.made.runs.get(run.id)).targets[0]).toMatchObject({
      state: 'started',
      step: 'one',
      stepDone: 1,
      stepTotal: 3,
    });
    const waiting = desk.made.runs.get(run.id, 60_000);
    expect(await desk.answer(desk.lastSent(), desk.node(), { data: { answer: 42 } })).toBe(orderId);
    expect(await waiting).toMatchObject({
      counts: { succeeded: 1 },
      targets: [{ state: 'succeeded', data: { answer: 42 }, step: null }],
    });
    expect((await desk.made.runs.get(run.id)).finishedAt).not.toBeNull();
    expect(news.filter((kind) => kind !== 'run')).toEqual(['started', 'succeeded']);
    end();
    const codes = (await world.audit.list({ nodeId: desk.node().id })).rows.map(({ code }) => code);
    expect(codes.slice(0, 2)).toEqual(['A3010I', 'A3001I']);
  });

  it('that is waited for is answered with its outcome by the one request, or as it stands after the time', async () => {
    const waiting = desk.made.runs.start(desk.ping(), world.requester, 60_000);
    await vi.waitFor(() => expect(world.sent()).toHaveLength(1));
    await desk.answer(desk.lastSent(), desk.node());
    expect(await waiting).toMatchObject({ counts: { succeeded: 1 }, targets: [{ state: 'succeeded' }] });
    world.online.clear();
    let late: RunDetail | null = null;
    void desk.made.runs.start(desk.ping({ nodes: [desk.node(3).id] }), world.requester, 20).then((run) => (late = run));
    await vi.waitFor(() => {
      world.clock.advance(20);
      expect(late).toMatchObject({ finishedAt: null, targets: [{ state: 'queued' }] });
    });
  });

  it('is never told as over with a target that is not, however close together its nodes answer', async () => {
    for (let round = 0; round < 20; round += 1) {
      await desk.startOver();
      const run = await desk.start(desk.ping({ nodes: desk.nodes.map(({ id }) => id) }));
      await vi.waitFor(() => expect(world.sent()).toHaveLength(4));
      const waiting = Array.from({ length: 40 }, () => desk.made.runs.get(run.id, 60_000));
      await setTimeout(20);
      await Promise.all(desk.nodes.map((node) => desk.answer(desk.sentTo(node), node)));
      for (const told of await Promise.all(waiting)) {
        expect(told.finishedAt).not.toBeNull();
        expect(told.targets.map(({ state }) => state)).toEqual(Array(4).fill('succeeded'));
      }
    }
  });

  it('of an offline node waits and is sent again at each link, byte for byte the same, until its receipt', async () => {
    world.online.clear();
    const run = await desk.start();
    expect(await desk.stateOf(run)).toBe('queued');
    expect(world.sent()).toEqual([]);
    const first = await desk.made.dispatch.pendingOrders({ nodeId: desk.node().id });
    const second = await desk.made.dispatch.pendingOrders({ nodeId: desk.node().id });
    expect(first).toHaveLength(1);
    expect(second).toEqual(first);
    expect(await desk.made.dispatch.pendingOrders({ nodeId: desk.node(1).id })).toEqual([]);
    await desk.made.dispatch.storeMoments();
    expect(await desk.stateOf(run)).toBe('leased');
    await desk.answer(first[0] ?? '');
    expect(await desk.made.dispatch.pendingOrders({ nodeId: desk.node().id })).toEqual([]);
  });

  it('survives a controller that dies after it was stored: the next one sends and believes the same order', async () => {
    world.online.clear();
    const run = await desk.start();
    desk.made = world.build();
    const [jws = ''] = await desk.made.dispatch.pendingOrders({ nodeId: desk.node().id });
    expect(await desk.answer(jws)).toBe(run.targets[0]?.orderId);
    expect(await desk.stateOf(run)).toBe('succeeded');
  });

  it('on many nodes ends when the last target has, whatever their outcomes', async () => {
    const run = await desk.start(desk.ping({ nodes: desk.nodes.map(({ id }) => id) }));
    const outcomes = ['succeeded', 'failed', 'refused', 'undetermined'] as const;
    await Promise.all(
      desk.nodes.map(async (by, n) => {
        const mine = desk.sentTo(by);
        await desk.answer(mine, by, { outcome: outcomes.at(n) ?? 'failed', code: n === 0 ? null : 'ACTION_FAILED' });
      }),
    );
    const detail = await desk.made.runs.get(run.id);
    expect(detail.counts).toEqual({ succeeded: 1, failed: 1, refused: 1, undetermined: 1 });
    expect(detail.finishedAt).not.toBeNull();
  });

  it('is listed newest first, by action and node, page by page', async () => {
    const page = await desk.made.runs.list({ limit: 2 });
    expect(page.runs).toHaveLength(2);
    const rest = await desk.made.runs.list({ limit: 1000, ...(page.cursor === null ? {} : { cursor: page.cursor }) });
    const all = await desk.made.runs.list({ limit: 1000 });
    expect([...page.runs, ...rest.runs]).toEqual(all.runs);
    expect((await desk.made.runs.list({ action: 'no.such' })).runs).toEqual([]);
    const third = await desk.made.runs.list({ nodeId: desk.node(3).id, limit: 1000 });
    expect(third.runs.length).toBeLessThan(all.runs.length);
  });
});

describe('a request is refused', () => {
  const unknown = randomUUID();
  it.each<[string, () => RunRequest, string]>([
    ['for an action that does not exist', () => desk.ping({ action: 'rm.rf' }), 'ACTION_UNKNOWN'],
    ['for an action by a name of the language', () => desk.ping({ action: '__proto__' }), 'ACTION_UNKNOWN'],
    ['for a field that the action does not have', () => desk.ping({ args: { command: 'id' } }), 'ACTION_ARGUMENTS'],
    ['for a node that does not exist', () => desk.ping({ nodes: [unknown] }), 'NOT_FOUND'],
    ['for one unknown node among known ones', () => desk.ping({ nodes: [desk.node().id, unknown] }), 'NOT_FOUND'],
    ['with a plan confirmed for a plan', () => desk.ping({ mode: 'plan', planHash: 'a'.repeat(64) }), 'BAD_REQUEST'],
    ['with a line break in its reason', () => desk.ping({ reason: 'a\nb' }), 'BAD_REQUEST'],
    [
      'with shell characters in an argument',
      () =>
        desk.ping({ action: 'account.create', args: { name: 'w4a100010;id', domain: 'a.example', phpVersion: '8.2' } }),
      'ACTION_ARGUMENTS',
    ],
  ])('%s', async (_name, request, code) => {
    await expect(desk.start(request())).rejects.toMatchObject({ code });
    expect(world.sent()).toEqual([]);
  });

  it('for a node that was removed', async () => {
    const gone = await world.addNode('node-9');
    await world.sql`UPDATE node SET revoked_at = 1 WHERE id = ${gone.id}`;
    await expect(desk.start(desk.ping({ nodes: [gone.id] }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the idempotency key', () => {
  it('gives the same run for the same content, also when both come at once, and refuses other content', async () => {
    const request = desk.ping({ idempotencyKey: randomUUID() });
    const [first, second] = await Promise.all([desk.start(request), desk.start(request)]);
    expect(second?.id).toBe(first?.id);
    expect((await desk.start(request)).id).toBe(first?.id);
    expect(world.sent()).toHaveLength(1);
    await expect(desk.start({ ...request, mode: 'plan' })).rejects.toMatchObject({ code: 'CONFLICT' });
    // Another person's key is another key.
    const other = await desk.made.runs.start(request, { ...world.requester, id: randomUUID() });
    expect(other.id).not.toBe(first?.id);
  });
});

describe('expiry', () => {
  it('closes what was never sent at once, what was sent a little later, and what was taken last, as undetermined', async () => {
    world.online.clear();
    const queued = await desk.start(desk.ping({ startWithinMs: 1000 }));
    world.online.add(desk.node(1).id);
    const leased = await desk.start(desk.ping({ startWithinMs: 1000, nodes: [desk.node(1).id] }));
    world.online.add(desk.node(2).id);
    const taken = await desk.start(desk.ping({ startWithinMs: 1000, nodes: [desk.node(2).id] }));
    const takenJws = desk.lastSent();
    await desk.made.dispatch.orderTaken({ nodeId: desk.node(2).id }, taken.targets[0]?.orderId ?? '');
    const states = async (): Promise<unknown[]> => {
      await desk.made.dispatch.storeMoments();
      await desk.made.expiry.sweep();
      return Promise.all([queued, leased, taken].map((run) => desk.stateOf(run)));
    };
    expect(await states()).toEqual(['queued', 'leased', 'delivered']);
    world.clock.advance(1500);
    expect(await states()).toEqual(['expired', 'leased', 'delivered']);
    expect((await desk.made.runs.get(queued.id)).finishedAt).not.toBeNull();
    world.clock.advance(31_000);
    expect(await states()).toEqual(['expired', 'expired', 'delivered']);
    world.clock.advance(2 * Math.max(...[...ACTIONS.values()].map(({ timeoutMs }) => timeoutMs)) + 60_000);
    expect(await states()).toEqual(['expired', 'expired', 'undetermined']);
    expect(await desk.made.dispatch.pendingOrders({ nodeId: desk.node().id })).toEqual([]);
    // The node's own word, however late, replaces what was only assumed, and the run does not end twice.
    await desk.answer(takenJws, desk.node(2));
    const late = await desk.made.runs.get(taken.id);
    expect(late).toMatchObject({ counts: { succeeded: 1 }, targets: [{ state: 'succeeded' }] });
    expect(await world.sql`SELECT count(*)::int AS n FROM run WHERE open_targets < 0`).toEqual([{ n: 0 }]);
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
    (await desk.start({ action: 'account.create', args: args(name, uid), nodes: [desk.node().id], mode })).args['uid'];

  it('belongs to the account for ever: the same for plan and apply, never given to another', async () => {
    const first = await create('w4a100001', 'plan');
    expect(await create('w4a100001', 'apply')).toBe(first);
    const others = await Promise.all(Array.from({ length: 8 }, (_, n) => create(`w4a20000${n}`, 'plan')));
    expect(new Set([first, ...others]).size).toBe(9);
    for (const uid of others) expect(uid).toSatisfy((n: number) => n >= 100_000 && n <= 499_999);
  });

  it('is filled in for each of many accounts, the same as for one', async () => {
    const uid = await create('w4a400001', 'plan');
    const list = ['w4a400001', 'w4a400002'].map((name) => args(name));
    const wanted = { action: 'account.create-many', args: { accounts: list }, nodes: [desk.node().id] };
    const made = await desk.start({ ...wanted, mode: 'plan' });
    const given = (made.args['accounts'] as { uid: number }[]).map((one) => one.uid);
    expect(given[0]).toBe(uid);
    expect(new Set(given).size).toBe(2);
    const stolen = { ...wanted, args: { accounts: [args('w4a400003', given[1])] }, mode: 'plan' } as const;
    await expect(desk.start(stolen)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
    for (const accounts of ['x', [null], [[]], []])
      await expect(desk.start({ ...wanted, args: { accounts }, mode: 'plan' })).rejects.toMatchObject({
        code: 'ACTION_ARGUMENTS',
      });
  });

  it('may be chosen when it is free, and is passed over by the register then', async () => {
    const next = Number((await world.sql`SELECT last_value::int AS n FROM account_uid_next`)[0]?.['n']) + 1;
    expect(await create('w4a300001', 'plan', next)).toBe(next);
    expect(await create('w4a300002', 'plan')).toBe(next + 1);
    await expect(create('w4a300003', 'plan', next)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
    await expect(create('w4a300001', 'plan', 499_000)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
    await expect(create('w4a300004', 'plan', 0)).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
  });
});
