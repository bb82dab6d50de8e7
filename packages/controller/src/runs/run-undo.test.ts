import type { RunDetail, RunRequest } from '@hauban/shared/api';
import type { Receipt } from '@hauban/shared/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRunWorld, type RunWorld, type SentOrder } from '../../../../test/support/run-world.ts';

let world: RunWorld;
let made: ReturnType<RunWorld['build']>;
beforeAll(async () => {
  world = await createRunWorld(10);
});
afterAll(() => world.stop());
beforeEach(async () => {
  // What the test before left under way is over.
  await world.sql`UPDATE run_target SET finished_at = 1, state = 'cancelled' WHERE finished_at IS NULL`;
  await world.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
  made = world.build();
  world.takeSent();
  for (const id of world.nodeIds) world.online.add(id);
  world.units.clear();
  world.rights.isGone = false;
  world.rights.needed = 0;
  world.rights.forbidden.clear();
});

const FAILED: Partial<Receipt> = { outcome: 'failed', code: 'ACTION_FAILED', detail: 'disk full' };
const ping = (more: Partial<RunRequest> = {}): RunRequest => ({
  action: 'node.ping',
  args: {},
  nodes: [...world.nodeIds],
  mode: 'apply',
  strategy: { waves: ['30%'], pauseSeconds: 10 },
  ...more,
});
const start = (request: RunRequest = ping()): Promise<RunDetail> => made.runs.start(request, world.requester);
/** What a tick sends. */
const tick = async (): Promise<SentOrder[]> => {
  await made.rollout.tick();
  return world.takeSent();
};
const answerAll = async (orders: readonly SentOrder[], more: Partial<Receipt> = {}): Promise<void> => {
  for (const order of orders) await world.answer(made, order, more);
};
const get = (run: RunDetail): Promise<RunDetail> => made.runs.get(run.id);

describe('a run that a person undoes', () => {
  const undo = (run: RunDetail) => made.runControl.undo(run.id, world.requester, 'wrong version');

  it('is taken back after its end, too, as fast as it may go, and not twice', async () => {
    const run = await start(ping({ strategy: 'at-once', nodes: world.nodeIds.slice(0, 3) }));
    const orders = world.takeSent();
    await answerAll(orders.slice(0, 2));
    await answerAll(orders.slice(2), FAILED);
    expect((await get(run)).finishedAt).not.toBeNull();
    expect(await undo(run)).toMatchObject({ run: { state: 'stopped', says: expect.stringContaining('Undone by') } });
    await expect(undo(run)).rejects.toMatchObject({ code: 'CONFLICT' });
    const undos = await tick();
    const undone = undos.map(({ order }) => (order.mode === 'undo' ? order.undoes : null));
    expect(new Set(undone)).toEqual(new Set(orders.slice(0, 2).map(({ order }) => order.id)));
    await answerAll(undos);
    await tick();
    const over = await get(run);
    expect(over).toMatchObject({ state: 'stopped', counts: { failed: 1, succeeded: 2, 'undo-succeeded': 2 } });
    expect(over.finishedAt).not.toBeNull();
    await expect(undo(run)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await made.runViews.grid(run.id, false)).legend.toSorted()).toEqual(['failed', 'undo-succeeded']);
  });

  it('under way gives nobody else an order, and takes back what it did', async () => {
    const run = await start();
    await answerAll(await tick());
    await undo(run);
    const undos = await tick();
    expect(undos.map(({ order }) => order.mode)).toEqual(['undo']);
    await answerAll(undos);
    await tick();
    expect(await get(run)).toMatchObject({ counts: { succeeded: 1, cancelled: 9, 'undo-succeeded': 1 } });
    expect((await get(run)).finishedAt).not.toBeNull();
  });

  it('is refused for a plan', async () => {
    const run = await start(ping({ mode: 'plan', strategy: 'at-once' }));
    await expect(undo(run)).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('all nodes of a run in short', () => {
  it('one letter each, by wave, names only when they are wanted', async () => {
    const run = await start();
    await answerAll(await tick(), FAILED);
    await tick();
    const grid = await made.runViews.grid(run.id, true);
    expect(grid.nodes?.map(({ wave }) => wave)).toEqual([0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    expect([...grid.states].map((letter) => grid.legend[letter.charCodeAt(0) - 97])).toEqual([
      'failed',
      ...Array.from({ length: 9 }, () => 'cancelled'),
    ]);
    expect(await made.runViews.grid(run.id, false)).toEqual({ legend: grid.legend, states: grid.states });
  });

  it('the failed of one cause are tried again without the others', async () => {
    const run = await start(ping({ strategy: 'at-once', nodes: world.nodeIds.slice(0, 3) }));
    const orders = world.takeSent();
    await answerAll(orders.slice(0, 1), FAILED);
    await answerAll(orders.slice(1), { ...FAILED, detail: 'no such user' });
    const [most] = await made.runViews.failures(run.id);
    const again = await made.runControl.retry(run.id, world.requester, { cause: most?.cause ?? '' });
    expect(again.targets.map(({ nodeId }) => nodeId).toSorted()).toEqual(
      orders
        .slice(1)
        .map(({ order }) => order.aud)
        .toSorted(),
    );
  });
});
