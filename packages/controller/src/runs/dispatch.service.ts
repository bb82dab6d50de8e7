import type { AgentMessage, NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { LeaseOrders } from './lease-orders.ts';
import type { OpenOrder, OpenOrders } from './open-orders.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import type { RunEvents } from './run-events.ts';
import { toRunTarget } from './run-row.ts';
import type { TargetRecord } from './run-targets.repository.ts';

/** Where orders go out: the link of a node, when it is connected here. */
export interface OrderLinks {
  isOnline(nodeId: string): boolean;
  /** False: there is no link; the order waits for the next one. */
  send(nodeId: string, jws: string): boolean;
}

export interface DispatchParts {
  readonly queue: OrderQueueRepository;
  readonly lease: LeaseOrders;
  readonly events: RunEvents;
  readonly open: OpenOrders;
  readonly links: OrderLinks;
  readonly clock: Clock;
  hostNameOf(nodeId: string): Promise<string>;
}

export type DispatchService = ReturnType<typeof createDispatchService>;
type ProgressMessage = Extract<AgentMessage, { t: 'progress' }>;
type OutputMessage = Extract<AgentMessage, { t: 'output' }>;
export interface FromNode {
  readonly nodeId: NodeId;
}

const OUTPUT_CHARACTERS = 256 * 1024;
/** What a page shows of it while it comes. */
const SHOWN_CHARACTERS = 16 * 1024;

/** The node has cleaned it already; a node that was taken over has not. Line ends and tabs stay. */
const cleanOutput = (text: string): string =>
  text.replaceAll(
    // eslint-disable-next-line no-control-regex -- control characters are what is removed here
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    '\ufffd',
  );

/** Orders on their way out: sent, sent again at each link until a receipt or the expiry (rule ORDER9), followed for the eye. */
export function createDispatchService({ queue, lease, events, open, links, clock, hostNameOf }: DispatchParts) {
  /** From memory: the node's next message waits for this one. */
  const tell = ({ target, moment }: OpenOrder, hostName: string): void =>
    events.targetChanged(target.runId, toRunTarget({ ...target, jws: null }, hostName, moment));

  return {
    /** The state in which a signed order is stored: about to be sent, or waiting for the node. */
    placeOf: (nodeId: string): { readonly state: 'leased' | 'queued'; readonly leasedAt: number | null } =>
      links.isOnline(nodeId) ? { state: 'leased', leasedAt: clock.nowMs() } : { state: 'queued', leasedAt: null },

    /** After the commit that holds it: whatever happens now, the same bytes go out again at the next link. */
    send: (target: TargetRecord, jws: string): void => {
      // Known as open first: the node may answer before this returns.
      open.sent(target, clock.nowMs());
      if (!links.send(target.nodeId, jws)) open.ended(target.orderId);
    },

    /** Stores how far orders came, for other controllers and the next start. */
    storeMoments: async (): Promise<void> => {
      await queue.setMoments(
        open.takeMoved().map(({ target: { orderId }, moment: { state, leasedAt, deliveredAt, startedAt } }) => ({
          ...{ orderId, state, leasedAt, deliveredAt, startedAt },
        })),
      );
    },

    /** As the gateway asks after each `status` (rule ORDER9). */
    pendingOrders: async (link: FromNode): Promise<readonly string[]> => {
      const known = await queue.pendingOf(link.nodeId, clock.nowMs());
      const leased = await lease(known);
      const pending = known.filter(({ orderId }) => leased.has(orderId));
      for (const target of pending) open.sent(target, clock.nowMs());
      return pending.flatMap(({ jws }) => jws ?? []);
    },
    orderTaken: async (link: FromNode, orderId: string): Promise<void> => {
      const order = open.find(orderId, link.nodeId);
      if (order === null || order.moment.state !== 'leased') return;
      open.move(order, { state: 'delivered', deliveredAt: clock.nowMs() });
    },
    progress: async (link: FromNode, { order: orderId, step, done, total }: ProgressMessage): Promise<void> => {
      const order = open.find(orderId, link.nodeId);
      if (order === null) return;
      const startedAt = order.moment.startedAt ?? clock.nowMs();
      open.move(order, { state: 'started', startedAt, step, stepDone: done, stepTotal: total });
      tell(order, await hostNameOf(link.nodeId));
    },
    /** Only for an order that was sent to this very node, and no more of it than rule ORDER15 says. */
    output: async (link: FromNode, { order: orderId, text }: OutputMessage): Promise<void> => {
      const order = open.find(orderId, link.nodeId);
      if (order === null || order.moment.outputCount >= OUTPUT_CHARACTERS) return;
      const { output, outputCount } = order.moment;
      open.move(order, {
        output: (output + cleanOutput(text)).slice(-SHOWN_CHARACTERS),
        outputCount: outputCount + text.length,
      });
      tell(order, await hostNameOf(link.nodeId));
    },
  };
}
