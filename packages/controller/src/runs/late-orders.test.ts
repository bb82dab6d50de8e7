import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createRunDesk, type RunDesk } from '../../../../test/support/run-desk.ts';
import type { RunWorld } from '../../../../test/support/run-world.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';

let desk: RunDesk;
let world: RunWorld;
beforeAll(async () => {
  desk = await createRunDesk();
  ({ world } = desk);
  desk.made.orderBeat.start();
});
afterAll(async () => {
  await desk.made.orderBeat.stop();
  await world.stop();
});
beforeEach(() => desk.startOver());

/** Beats until it is so. */
const untilSo = (what: string, isSo: () => Promise<boolean> | boolean): Promise<unknown> =>
  waitFor(what, async () => {
    world.clock.advance(1_000);
    return isSo();
  });

it('an order that was stored while the link of its node opened goes out, once', async () => {
  const { id } = desk.node();
  world.online.delete(id);
  const run = await desk.start();
  expect(await desk.stateOf(run)).toBe('queued');
  // The node has asked what waits for it before that commit: nobody asks again.
  world.online.add(id);
  await untilSo('the order is on its way', async () => (await desk.stateOf(run)) === 'leased');
  await untilSo('it was sent', () => world.sent().length > 0);
  const other = await desk.start(desk.ping({ nodes: [desk.node(1).id] }));
  await desk.answer(desk.sentTo(desk.node(1)), desk.node(1));
  world.online.delete(desk.node(2).id);
  const late = await desk.start(desk.ping({ nodes: [desk.node(2).id] }));
  world.online.add(desk.node(2).id);
  await untilSo('a later one is on its way too', async () => (await desk.stateOf(late)) === 'leased');
  expect(await desk.stateOf(other)).toBe('succeeded');
  expect(world.sent().filter(({ order }) => order.aud === id)).toHaveLength(1);
});

it('an order for a node that is away stays where it is', async () => {
  world.online.delete(desk.node().id);
  world.online.delete(desk.node(1).id);
  const away = await desk.start();
  const late = await desk.start(desk.ping({ nodes: [desk.node(1).id] }));
  world.online.add(desk.node(1).id);
  await untilSo('the other one is on its way', async () => (await desk.stateOf(late)) === 'leased');
  expect(await desk.stateOf(away)).toBe('queued');
});
