import { randomUUID } from 'node:crypto';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRolloutDesk, FAILED, type RolloutDesk } from '../../../../test/support/rollout-desk.ts';
import type { RunWorld, SentOrder } from '../../../../test/support/run-world.ts';

let desk: RolloutDesk;
let world: RunWorld;
beforeAll(async () => {
  desk = await createRolloutDesk();
  ({ world } = desk);
});
afterAll(() => world.stop());
beforeEach(() => desk.startOver());

/** The pause is over, and the next wave goes. */
const nextWave = async (): Promise<SentOrder[]> => {
  await desk.made.rollout.tick();
  world.clock.advance(10_000);
  return desk.tick();
};

describe('a run in waves', () => {
  it('sends to the canary, pauses, and then wave by wave until all have it', async () => {
    const run = await desk.start();
    expect(run).toMatchObject({ counts: { waiting: 10 }, rollout: { waves: [1, 3, 3, 3], hasCanary: true } });
    const canary = await desk.tick();
    expect(canary).toHaveLength(1);
    expect(await desk.tick()).toEqual([]);
    await desk.answerAll(canary);
    expect(await desk.tick()).toEqual([]);
    expect(await desk.get(run)).toMatchObject({ says: 'Pauses before wave 2 of 4.', wave: 0 });
    world.clock.advance(9_999);
    expect(await desk.tick()).toEqual([]);
    world.clock.advance(1);
    const sizes: number[] = [];
    for (let orders = await desk.tick(); orders.length > 0; orders = await nextWave()) {
      sizes.push(orders.length);
      await desk.answerAll(orders);
    }
    expect(sizes).toEqual([3, 3, 3]);
    expect(await desk.get(run)).toMatchObject({ state: 'finished', counts: { succeeded: 10 } });
    const codes = (await world.audit.list({ code: 'A3004I' })).rows;
    expect(codes.filter(({ detail }) => detail['runId'] === run.id)).toHaveLength(3);
  });

  it('whose canary fails gives nobody else an order', async () => {
    const run = await desk.start();
    await desk.answerAll(await desk.tick(), FAILED);
    expect(await nextWave()).toEqual([]);
    expect(await desk.get(run)).toMatchObject({ state: 'stopped', counts: { failed: 1, cancelled: 9 } });
    expect((await desk.get(run)).finishedAt).not.toBeNull();
    expect((await desk.get(run)).says).toBe('Stopped: 1 node of the canary failed; the limit is 1.');
  });

  it('whose canary was never reached stops: nothing is known about the others', async () => {
    const run = await desk.start();
    await desk.tick();
    world.clock.advance(100_000);
    await desk.made.expiry.sweep();
    expect(await desk.tick()).toEqual([]);
    expect(await desk.get(run)).toMatchObject({ state: 'stopped', counts: { expired: 1, cancelled: 9 } });
  });

  it('takes a node that is here for its canary', async () => {
    for (const id of world.nodeIds.slice(0, 9)) world.online.delete(id);
    await desk.start();
    expect((await desk.tick()).map(({ order }) => order.aud)).toEqual(world.nodeIds.slice(9));
  });

  it('has no more under way than allowed, and stops at the threshold of the later waves', async () => {
    const run = await desk.start(desk.ping({ strategy: { canary: 0, waves: ['100%'], maxInFlight: 4, stopAfter: 2 } }));
    const first = await desk.tick();
    expect(first).toHaveLength(4);
    await desk.answerAll(first.slice(0, 1), FAILED);
    const next = await desk.tick();
    expect(next).toHaveLength(1);
    await desk.answerAll(first.slice(1, 2), FAILED);
    expect(await desk.tick()).toEqual([]);
    expect(await desk.get(run)).toMatchObject({ state: 'stopped', counts: { failed: 2, leased: 3, cancelled: 5 } });
    await desk.answerAll([...first.slice(2), ...next]);
    expect((await desk.get(run)).finishedAt).not.toBeNull();
  });

  it('waits for nodes that became unhealthy, and counts them as failures when they stay so', async () => {
    const run = await desk.start();
    const canary = await desk.tick();
    await desk.answerAll(canary);
    const nodeId = canary[0]?.order.aud ?? '';
    world.units.set(nodeId, 2);
    expect(await nextWave()).toEqual([]);
    expect((await desk.get(run)).says).toBe('Waits for 1 node to get well: 2 more failed units');
    world.units.set(nodeId, 0);
    expect(await desk.tick()).toHaveLength(3);
    const other = await desk.start();
    const second = await desk.tick();
    await desk.answerAll(second);
    world.online.delete(second[0]?.order.aud ?? '');
    await nextWave();
    world.clock.advance(60_000);
    expect((await desk.tick()).filter(({ order }) => order.aud !== nodeId)).toEqual([]);
    expect(await desk.get(other)).toMatchObject({ state: 'stopped', counts: { harmed: 1, cancelled: 9 } });
  });

  it('of somebody who left meanwhile stops, and where they have lost the right it is refused', async () => {
    const gone = await desk.start();
    world.rights.isGone = true;
    expect(await desk.tick()).toEqual([]);
    expect(await desk.get(gone)).toMatchObject({ state: 'stopped', counts: { cancelled: 10 } });
    world.rights.isGone = false;
    for (const id of world.nodeIds) world.rights.forbidden.add(id);
    const forbidden = await desk.start();
    expect(await desk.tick()).toEqual([]);
    expect(await desk.get(forbidden)).toMatchObject({ state: 'stopped', counts: { refused: 1, cancelled: 9 } });
  });

  it('that needs people begins when they have spoken, with what they approved, and all of it before their expiry', async () => {
    world.rights.needed = 1;
    const run = await desk.start();
    expect(await desk.tick()).toEqual([]);
    const operator = randomUUID();
    const assertion = { operator, credential: 'c', authenticatorData: 'a', clientDataJSON: 'c', signature: 's' };
    const approval = { targets: [...world.nodeIds], approvals: [assertion], by: [operator] };
    await world.transaction((tx) => desk.made.waitingRuns.approved(tx, run.id, approval));
    const canary = await desk.tick();
    await desk.answerAll(canary);
    const orders = [...canary, ...(await nextWave())];
    expect(orders).toHaveLength(4);
    expect(new Set(orders.map(({ order }) => order.exp)).size).toBe(1);
    expect(orders[0]?.order.approved).toEqual({ run: run.id, targets: world.nodeIds });
    const undo = desk.ping({ strategy: { onFailure: 'undo' } });
    await expect(desk.start(undo)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    world.clock.advance(700_000);
    await desk.made.expiry.sweep();
    expect((await desk.get(run)).counts).toMatchObject({ expired: 9, succeeded: 1 });
  });

  it('goes on at another controller after this one died, wherever it was', async () => {
    const run = await desk.start();
    desk.made = world.build();
    const canary = await desk.tick();
    desk.made = world.build();
    await desk.answerAll(canary);
    desk.made = world.build();
    await desk.tick();
    world.clock.advance(10_000);
    desk.made = world.build();
    expect(await desk.tick()).toHaveLength(3);
    expect(await desk.get(run)).toMatchObject({ wave: 1, state: 'running' });
  });

  it('takes back what succeeded when it is to, also what succeeds after the stop', async () => {
    const run = await desk.start(
      desk.ping({ strategy: { canary: 0, waves: ['100%'], maxInFlight: 4, stopAfter: 1, onFailure: 'undo' } }),
    );
    const orders = await desk.tick();
    await desk.answerAll(orders.slice(0, 2));
    await desk.answerAll(orders.slice(2, 3), FAILED);
    const undos = await desk.tick();
    const undone = undos.map(({ order }) => (order.mode === 'undo' ? order.undoes : null));
    expect(new Set(undone)).toEqual(new Set(orders.slice(0, 2).map(({ order }) => order.id)));
    expect(undos).toHaveLength(2);
    await desk.answerAll(undos);
    expect((await desk.get(run)).finishedAt).toBeNull();
    await desk.answerAll(orders.slice(3));
    const late = await desk.tick();
    expect(late).toHaveLength(1);
    await desk.answerAll(late);
    await desk.tick();
    expect(await desk.get(run)).toMatchObject({
      state: 'stopped',
      counts: { succeeded: 3, failed: 1, 'undo-succeeded': 3 },
    });
    expect((await desk.get(run)).finishedAt).not.toBeNull();
  });
});

describe('a sequence of steps', () => {
  const steps = [
    { action: 'node.ping', args: {} },
    { action: 'node.ping', args: {} },
  ];
  const both = (): RunRequest => {
    const { action: _action, args: _args, ...rest } = desk.ping({ strategy: 'at-once' });
    return { ...rest, steps, nodes: world.nodeIds.slice(0, 2) };
  };

  it('waits on each node for the success of the step before, and breaks off where that fails', async () => {
    const run = await desk.start(both());
    const first = await desk.tick();
    expect(first).toHaveLength(2);
    expect(await desk.tick()).toEqual([]);
    await desk.answerAll(first.slice(0, 1));
    await desk.answerAll(first.slice(1), FAILED);
    const second = await desk.tick();
    expect(second.map(({ order }) => order.aud)).toEqual(first.slice(0, 1).map(({ order }) => order.aud));
    await desk.answerAll(second);
    expect(await desk.get(run)).toMatchObject({ state: 'finished', counts: { succeeded: 2, failed: 1, cancelled: 1 } });
  });

  it('is refused with a confirmed plan, without steps, and in two forms at once', async () => {
    const confirms = { run: randomUUID() };
    await expect(desk.start({ ...both(), confirms })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(desk.start({ ...both(), action: 'node.ping' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(desk.start({ mode: 'apply', nodes: world.nodeIds.slice(0, 1) })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});

describe('people', () => {
  it('pause, resume and cancel a run: later orders are held back, those under way are said to be', async () => {
    const run = await desk.start();
    const canary = await desk.tick();
    expect(await desk.made.runControl.pause(run.id, world.requester)).toMatchObject({
      underWay: 1,
      run: { state: 'paused' },
    });
    await desk.answerAll(canary);
    expect(await nextWave()).toEqual([]);
    await expect(desk.made.runControl.pause(run.id, world.requester)).rejects.toMatchObject({ code: 'CONFLICT' });
    await desk.made.runControl.resume(run.id, world.requester);
    const wave = await nextWave();
    expect(wave).toHaveLength(3);
    const cancelled = await desk.made.runControl.cancel(run.id, world.requester, 'wrong version');
    expect(cancelled).toMatchObject({ cancelled: 6, underWay: 3, run: { state: 'cancelled' } });
    await desk.answerAll(wave);
    expect(await nextWave()).toEqual([]);
    expect(await desk.get(run)).toMatchObject({ state: 'cancelled', counts: { succeeded: 4, cancelled: 6 } });
    await expect(desk.made.runControl.cancel(run.id, world.requester)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('cancel what waits for a node that is away, and cannot pause what went at once', async () => {
    world.online.clear();
    const run = await desk.start(desk.ping({ strategy: 'at-once' }));
    await expect(desk.made.runControl.pause(run.id, world.requester)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await desk.made.runControl.cancel(run.id, world.requester)).toMatchObject({ cancelled: 10, underWay: 0 });
    expect(await desk.made.dispatch.pendingOrders({ nodeId: world.nodeIds[0] as never })).toEqual([]);
  });

  it('try again only what did not end well, as a run of its own', async () => {
    const run = await desk.start(desk.ping({ strategy: 'at-once' }));
    const orders = world.takeSent();
    await expect(desk.made.runControl.retry(run.id, world.requester, {})).rejects.toMatchObject({ code: 'CONFLICT' });
    await desk.answerAll(orders.slice(0, 7));
    await desk.answerAll(orders.slice(7), FAILED);
    const again = await desk.made.runControl.retry(run.id, world.requester, {});
    expect(again).toMatchObject({ retryOf: run.id, nodeCount: 3, action: 'node.ping' });
    const bad = orders.slice(7).map(({ order }) => order.aud);
    expect(again.targets.map(({ nodeId }) => nodeId).toSorted()).toEqual(bad.toSorted());
    expect(again.targets.every(({ state }) => state === 'leased')).toBe(true);
  });

  it('find runs by who asked, what they wrote, and how they stand', async () => {
    const marked = await desk.start(desk.ping({ reason: '100% sure_' }));
    const found = async (query: object) =>
      (await desk.made.runs.list({ limit: 1000, ...query })).runs.map(({ id }) => id);
    expect(await found({ text: '0% SURE_' })).toEqual([marked.id]);
    expect(await found({ text: '0%sure' })).toEqual([]);
    expect(await found({ requester: 'nobody' })).toEqual([]);
    expect(await found({ requester: 'olga', state: 'running', action: 'node.ping' })).toContain(marked.id);
    expect(await found({ state: 'cancelled' })).not.toContain(marked.id);
  });
});

describe('a newer run with the same supersede key', () => {
  it('takes the place of what was not sent of the older on the same nodes, and of no other action', async () => {
    world.online.clear();
    const at = world.nodeIds.slice(0, 2);
    const keyed = (nodes: string[], more: Partial<RunRequest> = {}): Promise<RunDetail> =>
      desk.start(desk.ping({ nodes, strategy: 'at-once', supersedeKey: 'bans', ...more }));
    const older = await keyed([...at]);
    const plan = await keyed([...at], { mode: 'plan' });
    const newer = await keyed(at.slice(0, 1));
    expect((await desk.get(older)).counts).toEqual({ superseded: 1, queued: 1 });
    expect((await desk.get(plan)).counts).toEqual({ queued: 2 });
    expect(await desk.made.dispatch.pendingOrders({ nodeId: at[0] as never })).toHaveLength(2);
    const newest = await keyed([...at]);
    // That one was on its way.
    expect((await desk.get(newer)).counts).toEqual({ leased: 1 });
    expect(await desk.get(older)).toMatchObject({ counts: { superseded: 2 }, state: 'finished' });
    expect((await desk.get(newest)).counts).toEqual({ queued: 2 });
  });
});

describe('a merged plan', () => {
  const HASHES = ['a', 'b'].map((letter) => letter.repeat(64));
  const planned = async (): Promise<RunDetail> => {
    const run = await desk.start(desk.ping({ mode: 'plan', strategy: 'at-once', nodes: world.nodeIds.slice(0, 4) }));
    const orders = world.takeSent();
    const planOf = (hash: string) => ({
      hash,
      changes: [{ kind: 'user', title: 'create user w1', before: null, after: 'x' }],
      notes: [],
    });
    await desk.answerAll(orders.slice(0, 2), { plan: planOf(HASHES[0] ?? '') });
    await desk.answerAll(orders.slice(2, 3), {
      outcome: 'unchanged',
      plan: { hash: HASHES[1], changes: [], notes: [] },
    });
    await desk.answerAll(orders.slice(3), {
      outcome: 'refused',
      code: 'ACTION_FAILED',
      detail: 'disk full on node 17',
    });
    return run;
  };

  it.each([
    [['PHP 8.4 is not installed', 'PHP 8.4 is not installed'], '2 nodes: refused, PHP 8.4 is not installed'],
    [['PHP 8.4 is not installed', 'PHP 8.3 is not installed'], '2 nodes: refused, PHP N.N is not installed'],
  ])(
    'says why nodes have none as they say it, and without what differs where something does',
    async (details, says) => {
      const nodes = world.nodeIds.slice(0, details.length);
      const run = await desk.start(desk.ping({ mode: 'plan', strategy: 'at-once', nodes }));
      for (const [at, order] of world.takeSent().entries())
        await desk.answerAll([order], { outcome: 'refused', code: 'ACTION_REFUSED', detail: details[at] ?? '' });
      const { groups } = await desk.made.runViews.plan(run.id);
      expect(groups.map((group) => group.says)).toEqual([says]);
    },
  );

  it('says in groups what the nodes would do, and what went wrong by cause', async () => {
    const run = await planned();
    const { isComplete, groups } = await desk.made.runViews.plan(run.id);
    expect(isComplete).toBe(true);
    expect(groups.map(({ says, hash }) => [says, hash])).toEqual([
      ['2 nodes: create user w1', HASHES[0]],
      ['1 node: nothing to do', HASHES[1]],
      ['1 node: refused, disk full on node 17', null],
    ]);
    const [failure] = await desk.made.runViews.failures(run.id);
    expect(failure).toMatchObject({ says: 'disk full on node 17', example: 'disk full on node 17', count: 1 });
    const page = await desk.made.runViews.targets(run.id, { cause: failure?.cause ?? '' });
    expect(page.targets.map(({ state }) => state)).toEqual(['refused']);
    const first = await desk.made.runViews.targets(run.id, { limit: 3 });
    const rest = await desk.made.runViews.targets(run.id, { limit: 3, cursor: first.cursor ?? '' });
    expect([...first.targets, ...rest.targets].map(({ nodeId }) => nodeId)).toEqual(world.nodeIds.slice(0, 4));
  });

  it('a cause is told as its nodes tell it, and without what differs where something does; nodes by name', async () => {
    const failed = async (...details: readonly string[]) => {
      const nodes = world.nodeIds.slice(0, details.length);
      const run = await desk.start(desk.ping({ strategy: 'at-once', nodes }));
      const orders = world.takeSent();
      for (const [at, detail] of details.entries())
        await desk.answerAll(orders.slice(at, at + 1), { outcome: 'refused', code: 'ACTION_REFUSED', detail });
      return desk.made.runViews.failures(run.id);
    };
    const [same, ...others] = await failed('there is no PHP 8.4', 'there is no PHP 8.4');
    expect(others).toEqual([]);
    expect(same).toMatchObject({ says: 'there is no PHP 8.4', count: 2 });
    const names = same?.nodes.map(({ hostName }) => hostName) ?? [];
    expect(names).toEqual(names.toSorted());
    const [unlike] = await failed('12 MiB are free', '40 MiB are free');
    expect(unlike).toMatchObject({ says: 'N MiB are free', count: 2 });
  });

  it('that is confirmed binds each node to its own plan and leaves out the others', async () => {
    const plan = await planned();
    const nodes = world.nodeIds.slice(0, 4);
    const confirms = { run: plan.id, hashes: HASHES.slice(0, 1) };
    const run = await desk.start(desk.ping({ nodes, confirms, strategy: 'at-once' }));
    const orders = world.takeSent();
    expect(orders.map(({ order }) => (order.mode === 'undo' ? null : order.planHash))).toEqual([HASHES[0], HASHES[0]]);
    expect(run.counts).toEqual({ leased: 2, cancelled: 2 });
    const wrong = { run: plan.id, hashes: ['c'.repeat(64)] };
    await expect(desk.start(desk.ping({ nodes, confirms: wrong }))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(desk.start(desk.ping({ nodes, confirms: { run: run.id } }))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});
