import type { TargetRecord } from './run-targets.repository.ts';

/** How far an order came, as the node said since it was sent. For the eye: nothing is decided by it (rule ORDER11). */
export interface Moment {
  readonly state: 'leased' | 'delivered' | 'started';
  readonly leasedAt: number;
  readonly deliveredAt: number | null;
  readonly startedAt: number | null;
  readonly step: string | null;
  readonly stepDone: number;
  readonly stepTotal: number;
  /** The last of what its programs printed (rule ORDER15). */
  readonly output: string;
  /** Characters of it that came so far: a node that sends more than it may is not heard. */
  readonly outputCount: number;
}

/** An order as it was stored when it was sent, and how far it came. The signed text is not kept. */
export interface OpenOrder {
  readonly target: Omit<TargetRecord, 'jws'>;
  moment: Moment;
}

/**
 * Orders that this controller has sent and that have no receipt yet. A quick order ends before its moments are worth
 * a write, so they are kept here and stored by a slow beat.
 */
export interface OpenOrders {
  sent(target: TargetRecord, at: number): void;
  /** Null when it is not open here or belongs to another node. */
  find(orderId: string, nodeId: string): OpenOrder | null;
  momentOf(orderId: string): Moment | null;
  /** Changes its moment and marks it to be stored. */
  move(order: OpenOrder, moment: Partial<Moment>): void;
  ended(orderId: string): void;
  /** Those that moved since the last call. */
  takeMoved(): readonly OpenOrder[];
  readonly size: number;
}

export function createOpenOrders(): OpenOrders {
  const open = new Map<string, OpenOrder>();
  let moved = new Set<OpenOrder>();

  return {
    sent: ({ jws: _jws, ...target }, at) => {
      if (open.has(target.orderId)) return;
      const nothingYet = {
        deliveredAt: null,
        startedAt: null,
        step: null,
        stepDone: 0,
        stepTotal: 0,
        output: '',
        outputCount: 0,
      };
      open.set(target.orderId, { target, moment: { state: 'leased', leasedAt: at, ...nothingYet } });
    },
    find: (orderId, nodeId) => {
      const order = open.get(orderId);
      return order?.target.nodeId === nodeId ? order : null;
    },
    momentOf: (orderId) => open.get(orderId)?.moment ?? null,
    move: (order, moment) => {
      order.moment = { ...order.moment, ...moment };
      moved.add(order);
    },
    ended: (orderId) => {
      const order = open.get(orderId);
      if (order === undefined) return;
      open.delete(orderId);
      moved.delete(order);
    },
    takeMoved: () => {
      const taken = [...moved];
      moved = new Set();
      return taken;
    },
    get size() {
      return open.size;
    },
  };
}
