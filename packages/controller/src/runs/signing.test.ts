import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

describe('the signer', () => {
  it('that is away leaves orders in the queue; they are signed and sent when it is back', async () => {
    world.signer.mode = 'away';
    const run = await desk.start();
    expect(await desk.stateOf(run)).toBe('queued');
    await desk.made.signing.work();
    expect(world.sent()).toEqual([]);
    world.signer.mode = 'up';
    desk.made.signing.wake();
    await desk.made.signing.work();
    expect(world.sent()).toHaveLength(1);
    expect(await desk.stateOf(run)).toBe('leased');
    await desk.answer(desk.lastSent());
    expect(await desk.stateOf(run)).toBe('succeeded');
  });

  it('that refuses ends the target as refused, at once and from the queue', async () => {
    world.signer.mode = 'refuses';
    const run = await desk.start();
    expect(run).toMatchObject({ counts: { refused: 1 }, targets: [{ state: 'refused', code: 'ORDER_MALFORMED' }] });
    expect(run.finishedAt).not.toBeNull();
    world.signer.mode = 'away';
    const later = await desk.start();
    world.signer.mode = 'refuses';
    desk.made.signing.wake();
    await desk.made.signing.work();
    expect(await desk.made.runs.get(later.id)).toMatchObject({ counts: { refused: 1 } });
    expect((await desk.made.runs.get(later.id)).finishedAt).not.toBeNull();
    expect((await world.audit.list({ code: 'A3002W' })).rows).toHaveLength(2);
  });

  it('signs a run of many nodes behind: the answer does not wait for it', async () => {
    const many = await Promise.all(Array.from({ length: 150 }, (_, n) => world.addNode(`node-${n}`)));
    for (const { id } of many) world.online.add(id);
    const run = await desk.start(desk.ping({ nodes: many.map(({ id }) => id) }));
    expect(run.counts).toEqual({ queued: 150 });
    await desk.made.signing.work();
    expect(world.sent()).toHaveLength(150);
    const byId = new Map(many.map((by) => [by.id as string, by]));
    await Promise.all(world.sent().map(({ order, jws }) => desk.answer(jws, byId.get(order.aud))));
    expect(await desk.made.runs.get(run.id)).toMatchObject({ counts: { succeeded: 150 } });
    expect(await world.audit.verify()).toMatchObject({ ok: true });
  });
});
