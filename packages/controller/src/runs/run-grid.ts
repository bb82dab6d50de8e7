import type { GridOrder } from './run-views.repository.ts';

/** Every node of a run with the one state that a page shows for it. */
interface Grid {
  readonly nodes: readonly { readonly id: string; readonly wave: number }[];
  /** At most one entry for each letter: there are fewer states. */
  readonly legend: string[];
  readonly states: string;
}

const GOOD: ReadonlySet<string> = new Set(['succeeded', 'unchanged']);
const FIRST_LETTER = 97;

/** Of the steps of a node the one that it is at; where something is taken back, that. */
function stateOf(orders: readonly GridOrder[], momentOf: (orderId: string) => string | null): string {
  const now = ({ orderId, state }: GridOrder): string => momentOf(orderId) ?? state;
  const undos = orders.filter(({ undoes }) => undoes !== null);
  // The last step is taken back first.
  const undo = undos.toReversed().find((order) => !GOOD.has(order.state)) ?? undos[0];
  if (undo !== undefined) return `undo-${now(undo)}`;
  if (orders.some(({ isHarmed }) => isHarmed)) return 'harmed';
  const current = orders.find((order) => !GOOD.has(order.state)) ?? orders.at(-1);
  if (current === undefined) return 'waiting';
  const isChanged = orders.some(({ state }) => state === 'succeeded');
  return now(current) === 'unchanged' && isChanged ? 'succeeded' : now(current);
}

/** @param orders by wave, node and step */
export function gridOf(orders: readonly GridOrder[], momentOf: (orderId: string) => string | null): Grid {
  const byNode = new Map<string, GridOrder[]>();
  for (const order of orders) {
    const known = byNode.get(order.nodeId);
    if (known === undefined) byNode.set(order.nodeId, [order]);
    else known.push(order);
  }
  const letters = new Map<string, string>();
  const states: string[] = [];
  for (const own of byNode.values()) {
    const state = stateOf(own, momentOf);
    const letter = letters.get(state) ?? String.fromCharCode(FIRST_LETTER + letters.size);
    letters.set(state, letter);
    states.push(letter);
  }
  return {
    nodes: [...byNode].map(([id, own]) => ({ id, wave: own[0]?.wave ?? 0 })),
    legend: [...letters.keys()],
    states: states.join(''),
  };
}
