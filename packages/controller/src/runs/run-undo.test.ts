import type { RunDetail } from '@hauban/shared/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRolloutDesk, FAILED, type RolloutDesk } from '../../../../test/support/rollout-desk.ts';
import type { RunWorld } from '../../../../test/support/run-world.ts';

let desk: RolloutDesk;
let world: RunWorld;
beforeAll(async () => {
  desk = await createRolloutDesk();
  ({ world } = desk);
});
afterAll(() => world.stop());
beforeEach(() => desk.startOver());

describe('a run that a person undoes', () => {
  const undo = (run: RunDetail) => desk.made.runControl.undo(run.id, world.requester, 'wrong version');

  it('is taken back after its end, too, as fast as it may go, and not twice', async () => {
    const run = await desk.start(desk.ping({ strategy: 'at-once', nodes: world.nodeIds.slice(0, 3) }));
    const orders = world.takeSent();
    await desk.answerAll(orders.slice(0, 2));
    await desk.answerAll(orders.slice(2), FAILED);
    expect((await desk.get(run)).finishedAt).not.toBeNull();
    expect(await undo(run)).toMatchObject({ run: { state: 'stopped', says: expect.stringContaining('Undone by') } });
    await expect(undo(run)).rejects.toMatchObject({ code: 'CONFLICT' });
    const undos = await desk.tick();
    const undone = undos.map(({ order }) => (order.mode === 'undo' ? order.undoes : null));
    expect(new Set(undone)).toEqual(new Set(orders.slice(0, 2).map(({ order }) => order.id)));
    await desk.answerAll(undos);
    await desk.tick();
    const over = await desk.get(run);
    expect(over).toMatchObject({ state: 'stopped', counts: { failed: 1, succeeded: 2, 'undo-succeeded': 2 } });
    expect(over.finishedAt).not.toBeNull();
    await expect(undo(run)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await desk.made.runViews.grid(run.id, false)).legend.toSorted()).toEqual(['failed', 'undo-succeeded']);
  });

  it('under way gives nobody else an order, and takes back what it did', async () => {
    const run = await desk.start();
    await desk.answerAll(await desk.tick());
    await undo(run);
    const undos = await desk.tick();
    expect(undos.map(({ order }) => order.mode)).toEqual(['undo']);
    await desk.answerAll(undos);
    await desk.tick();
    expect(await desk.get(run)).toMatchObject({ counts: { succeeded: 1, cancelled: 9, 'undo-succeeded': 1 } });
    expect((await desk.get(run)).finishedAt).not.toBeNull();
  });

  it('is refused for a plan', async () => {
    const run = await desk.start(desk.ping({ mode: 'plan', strategy: 'at-once' }));
    await expect(undo(run)).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('all nodes of a run in short', () => {
  it('one letter each, by wave, names only when they are wanted', async () => {
    const run = await desk.start();
    await desk.answerAll(await desk.tick(), FAILED);
    await desk.tick();
    const grid = await desk.made.runViews.grid(run.id, true);
    expect(grid.nodes?.map(({ wave }) => wave)).toEqual([0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    expect([...grid.states].map((letter) => grid.legend[letter.charCodeAt(0) - 97])).toEqual([
      'failed',
      ...Array.from({ length: 9 }, () => 'cancelled'),
    ]);
    expect(await desk.made.runViews.grid(run.id, false)).toEqual({ legend: grid.legend, states: grid.states });
  });

  it('the failed of one cause are tried again without the others', async () => {
    const run = await desk.start(desk.ping({ strategy: 'at-once', nodes: world.nodeIds.slice(0, 3) }));
    const orders = world.takeSent();
    await desk.answerAll(orders.slice(0, 1), FAILED);
    await desk.answerAll(orders.slice(1), { ...FAILED, detail: 'no such user' });
    const [most] = await desk.made.runViews.failures(run.id);
    const again = await desk.made.runControl.retry(run.id, world.requester, { cause: most?.cause ?? '' });
    expect(again.targets.map(({ nodeId }) => nodeId).toSorted()).toEqual(
      orders
        .slice(1)
        .map(({ order }) => order.aud)
        .toSorted(),
    );
  });
});
