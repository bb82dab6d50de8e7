import { signReceipt } from '@hauban/link';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import type { Receipt } from '@hauban/shared/protocol';
import { createRunWorld, orderOf, type RunWorld, type WorldController, type WorldNode } from './run-world.ts';

/** Four nodes, one controller, and what a test of runs that go at once does with them. */
export interface RunDesk {
  readonly world: RunWorld;
  readonly nodes: readonly WorldNode[];
  /** Replaced by a test whose controller dies. */
  made: WorldController;
  /** Before each test: nothing is under way, and the four nodes are online. */
  startOver(): Promise<void>;
  /** One of the four. */
  node(n?: number): WorldNode;
  /** A ping of the first node. */
  ping(more?: Partial<RunRequest>): RunRequest;
  start(request?: RunRequest): Promise<RunDetail>;
  /** State of the run's n-th target as it is stored. */
  stateOf(run: RunDetail, n?: number): Promise<string | undefined>;
  /** The newest order, and the one that was sent to a node. */
  lastSent(): string;
  sentTo(node: WorldNode): string;
  /** The receipt of an order as its node would sign it. */
  receiptFor(jws: string, more?: Partial<Receipt>): Receipt;
  /** Signs it as that node and hands it in over its link; what is acknowledged. */
  answer(jws: string, by?: WorldNode, more?: Partial<Receipt>): Promise<string | null>;
}

export async function createRunDesk(): Promise<RunDesk> {
  const world = await createRunWorld(0);
  const nodes = await Promise.all(Array.from({ length: 4 }, (_, n) => world.addNode(`node-${n}<b>`)));
  const desk: RunDesk = {
    world,
    nodes,
    made: world.build(),
    startOver: async () => {
      await world.startOver();
      for (const { id } of nodes) world.online.add(id);
    },
    node: (n = 0) => {
      const found = nodes.at(n);
      if (found === undefined) throw new RangeError('no such test node');
      return found;
    },
    ping: (more = {}) => ({ action: 'node.ping', args: {}, nodes: [desk.node().id], mode: 'apply', ...more }),
    start: (request = desk.ping()) => desk.made.runs.start(request, world.requester),
    stateOf: async (run, n = 0) => (await desk.made.runs.get(run.id)).targets[n]?.state,
    lastSent: () => world.sent().at(-1)?.jws ?? '',
    sentTo: ({ id }) => world.sent().find(({ order }) => order.aud === id)?.jws ?? '',
    receiptFor: (jws, more = {}) => world.receiptFor({ jws, order: orderOf(jws) }, more),
    answer: async (jws, by = desk.node(), more = {}) =>
      desk.made.receipts.receipt({ nodeId: by.id }, await signReceipt(desk.receiptFor(jws, more), by.key)),
  };
  return desk;
}
