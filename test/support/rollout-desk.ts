import type { RunDetail, RunRequest } from '@hauban/shared/api';
import type { Receipt } from '@hauban/shared/protocol';
import { createRunWorld, type RunWorld, type SentOrder, type WorldController } from './run-world.ts';

/** Ten nodes, one controller, and what a test of runs in waves does with them. */
export interface RolloutDesk {
  readonly world: RunWorld;
  /** Replaced by a test whose controller dies. */
  made: WorldController;
  /** Before each test: nothing is under way, and the controller is a new one. */
  startOver(): Promise<void>;
  start(request?: RunRequest): Promise<RunDetail>;
  /** What a tick sends. */
  tick(): Promise<SentOrder[]>;
  answerAll(orders: readonly SentOrder[], more?: Partial<Receipt>): Promise<void>;
  get(run: RunDetail): Promise<RunDetail>;
  /** A ping of all nodes, 30 % a wave. */
  ping(more?: Partial<RunRequest>): RunRequest;
}

export const FAILED: Partial<Receipt> = { outcome: 'failed', code: 'ACTION_FAILED', detail: 'disk full' };

export async function createRolloutDesk(): Promise<RolloutDesk> {
  const world = await createRunWorld(10);
  const desk: RolloutDesk = {
    world,
    made: world.build(),
    startOver: async () => {
      await world.startOver();
      desk.made = world.build();
    },
    start: (request = desk.ping()) => desk.made.runs.start(request, world.requester),
    tick: async () => {
      await desk.made.rollout.tick();
      return world.takeSent();
    },
    answerAll: async (orders, more = {}) => {
      for (const order of orders) await world.answer(desk.made, order, more);
    },
    get: (run) => desk.made.runs.get(run.id),
    ping: (more = {}) => ({
      action: 'node.ping',
      args: {},
      nodes: [...world.nodeIds],
      mode: 'apply',
      strategy: { waves: ['30%'], pauseSeconds: 10 },
      ...more,
    }),
  };
  return desk;
}
