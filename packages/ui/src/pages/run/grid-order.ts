import type { RunGrid } from '@hauban/shared/api';

type Nodes = NonNullable<RunGrid['nodes']>;

const byName = new Intl.Collator('en', { numeric: true });

/** Places of the nodes by wave, and in each wave as a person would list them: web2 before web10. */
export const orderByName = (nodes: Nodes): readonly number[] =>
  nodes
    .map(({ hostName, wave }, index) => ({ hostName, wave, index }))
    .toSorted((a, b) => a.wave - b.wave || byName.compare(a.hostName, b.hostName))
    .map(({ index }) => index);

/** The same grid with its nodes, and their states, in that order. */
export function inOrder(grid: RunGrid, order: readonly number[]): RunGrid {
  const { nodes = [], states } = grid;
  return {
    ...grid,
    nodes: order.flatMap((index) => nodes[index] ?? []),
    // What is not told stays so: a blank is no letter of the legend.
    states: order.map((index) => states[index] ?? ' ').join(''),
  };
}
