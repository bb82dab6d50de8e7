import type { Outcome } from '@hauban/shared/protocol';
import { SeededRandom } from '@hauban/shared/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createRunWorld,
  type RunWorld,
  type SentOrder,
  type WorldController,
} from '../../../../test/support/run-world.ts';

/** More nodes for a longer test: HAUBAN_ROLLOUT_NODES. */
const NODES = Number(process.env['HAUBAN_ROLLOUT_NODES'] ?? 24);
const SEEDS = [1, 2, 3, 4, 5, 6];

let world: RunWorld;
beforeAll(async () => {
  world = await createRunWorld(NODES);
});
afterAll(() => world.stop());

/** What was seen of one run, in the order in which it happened. */
interface History {
  readonly sent: Map<string, { readonly order: SentOrder; readonly wave: number }>;
  readonly ended: Map<string, Outcome>;
}

const isBad = (outcome: Outcome | undefined): boolean =>
  outcome === 'failed' || outcome === 'refused' || outcome === 'undetermined';

/** Drives one run to its end under two controllers that die at random, and checks what no moment may break. */
async function drive(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const draw = (below: number): number => (random.bytes(1)[0] ?? 0) % below;
  const canary = 1 + draw(2);
  const stopAfter = 1 + draw(4);
  const maxInFlight = 2 + draw(6);
  const controllers: [WorldController, WorldController] = [world.build(), world.build()];
  const pick = (): WorldController => {
    const at = draw(2) === 0 ? 0 : 1;
    // kill -9: what it had in memory is gone.
    if (draw(3) === 0) controllers[at] = world.build();
    return controllers[at];
  };
  const run = await pick().runs.start(
    {
      action: 'node.ping',
      args: {},
      nodes: [...world.nodeIds],
      mode: 'apply',
      strategy: { canary, waves: ['20%', 5], maxInFlight, stopAfter, pauseSeconds: 1 },
    },
    world.requester,
  );
  const rows = await world.sql`SELECT node_id, wave FROM run_target WHERE run_id = ${run.id}`;
  const waves = new Map(rows.map((row) => [row['node_id'] as string, row['wave'] as number]));
  const history: History = { sent: new Map(), ended: new Map() };
  const failures = (): number => [...history.ended.values()].filter(isBad).length;
  const inFlight = (): number => history.sent.size - history.ended.size;

  const take = (failedBefore: number): void => {
    for (const order of world.takeSent()) {
      const wave = waves.get(order.order.aud) ?? -1;
      expect(history.sent.has(order.order.aud), `seed ${seed}: a node got two orders`).toBe(false);
      expect(failedBefore, `seed ${seed}: an order went out beyond the threshold`).toBeLessThan(stopAfter);
      if (wave > 0) {
        const ofCanary = [...history.sent].filter(([, each]) => each.wave === 0);
        expect(ofCanary, `seed ${seed}`).toHaveLength(canary);
        for (const [node] of ofCanary) expect(isBad(history.ended.get(node)), `seed ${seed}: canary`).toBe(false);
      }
      for (const [node, each] of history.sent)
        if (each.wave < wave) expect(history.ended.has(node), `seed ${seed}: the wave before was not over`).toBe(true);
      history.sent.set(order.order.aud, { order, wave });
    }
    expect(inFlight(), `seed ${seed}: more under way than allowed`).toBeLessThanOrEqual(maxInFlight);
  };

  let isOver = false;
  for (let turn = 0; turn < 400 && !isOver; turn += 1) {
    const failed = failures();
    // Both look at the same moment.
    await Promise.all([pick().rollout.tick(), controllers[1].rollout.tick()]);
    take(failed);
    const open = [...history.sent].filter(([node]) => !history.ended.has(node));
    const answered = open.slice(0, 1 + draw(4));
    await Promise.all(
      answered.map(async ([node, { order }]) => {
        const outcome: Outcome = draw(8) === 0 ? 'failed' : 'succeeded';
        const code = outcome === 'failed' ? 'ACTION_FAILED' : null;
        history.ended.set(node, outcome);
        await world.answer(pick(), order, { outcome, code });
      }),
    );
    world.clock.advance(500);
    isOver = (await controllers[0].runs.get(run.id)).finishedAt !== null;
  }
  const end = await controllers[0].runs.get(run.id);
  expect(end.finishedAt, `seed ${seed}: it never ended`).not.toBeNull();
  expect(failures()).toBeLessThanOrEqual(stopAfter + maxInFlight - 1);
  expect(end.counts['failed'] ?? 0).toBe(failures());
  expect(end.state).toBe(failures() >= stopAfter || end.counts['cancelled'] !== undefined ? 'stopped' : 'finished');
  const open = await world.sql`SELECT open_targets AS n FROM run WHERE id = ${run.id}`;
  expect(open).toEqual([{ n: 0 }]);
}

describe('waves under two controllers that die at random', () => {
  it.each(SEEDS)('keep canary, order of waves, concurrency and threshold to the node (seed %i)', async (seed) => {
    await drive(seed);
  });
});
