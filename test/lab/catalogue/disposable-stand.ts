import type { DisposableNode } from '../disposable-node.ts';
import { MachineReader, upperOf, type MachinePlaces } from './machine-state.ts';
import { OrderClient } from './order-client.ts';
import type { Stand } from './scenario.ts';

export interface DisposableStand extends Stand {
  readonly node: DisposableNode;
}

type More = Partial<Pick<MachinePlaces, 'mounted' | 'leftOut' | 'things'>> & {
  readonly destroy?: () => Promise<void>;
};

/** A stand on a disposable node; `more` says what else its state is. The node goes with the stand. */
export async function standOn(node: DisposableNode, more: More = {}): Promise<DisposableStand> {
  const machine = new MachineReader({
    node,
    live: () => node.rootPath,
    upper: upperOf(node.rootPath),
    lower: '/',
    leftOut: more.leftOut ?? [],
    mounted: ['/run', '/tmp', '/root', ...(more.mounted ?? [])],
    initPid: () => node.pid,
    things: more.things ?? (() => Promise.resolve([])),
  });
  return { node, machine, orders: await OrderClient.putInto(node), destroy: more.destroy ?? node.destroy };
}
