import type { RunGrid } from '@hauban/shared/api';

/** Where each node of a run stands: wave by wave, each from the left of a row of its own. Sizes in CSS pixels. */
export interface GridLayout {
  readonly cellPx: number;
  readonly columns: number;
  readonly heightPx: number;
  /** Room for the names of the waves; none where there is one wave. */
  readonly labelPx: number;
  readonly waves: readonly WaveRows[];
}

export interface WaveRows {
  readonly wave: number;
  /** Of the nodes of the run, the first of this wave and the one after its last. */
  readonly from: number;
  readonly to: number;
  readonly topPx: number;
}

/** `Wave 12 · 100 %` */
const LABEL_PX = 108;
const GAP_PX = 8;
const LARGE_PX = 16;
const SMALL_PX = 11;
const LARGE_UP_TO = 1200;

type Nodes = NonNullable<RunGrid['nodes']>;

export function layoutGrid(nodes: Nodes, widthPx: number): GridLayout {
  const cellPx = nodes.length <= LARGE_UP_TO ? LARGE_PX : SMALL_PX;
  const labelPx = nodes.at(-1)?.wave === nodes[0]?.wave ? 0 : LABEL_PX;
  const columns = Math.max(1, Math.floor((widthPx - labelPx) / cellPx));
  const waves: WaveRows[] = [];
  let topPx = 0;
  for (let from = 0; from < nodes.length;) {
    const wave = nodes[from]?.wave ?? 0;
    let to = from;
    while (to < nodes.length && nodes[to]?.wave === wave) to += 1;
    waves.push({ wave, from, to, topPx });
    topPx += Math.ceil((to - from) / columns) * cellPx + GAP_PX;
    from = to;
  }
  return { cellPx, columns, waves, labelPx, heightPx: Math.max(0, topPx - GAP_PX) };
}

export function placeOf(
  { waves, columns, cellPx, labelPx }: GridLayout,
  index: number,
): { readonly x: number; readonly y: number } {
  const rows = waves.find(({ from, to }) => index >= from && index < to);
  const at = index - (rows?.from ?? 0);
  return { x: labelPx + (at % columns) * cellPx, y: (rows?.topPx ?? 0) + Math.floor(at / columns) * cellPx };
}

/** The node at a point; null between them. */
export function nodeAt({ waves, columns, cellPx, labelPx }: GridLayout, x: number, y: number): number | null {
  const column = Math.floor((x - labelPx) / cellPx);
  if (column < 0 || column >= columns) return null;
  for (const { from, to, topPx } of waves) {
    const row = Math.floor((y - topPx) / cellPx);
    const index = from + row * columns + column;
    if (row >= 0 && index < to) {
      const isAbove = y < topPx + Math.ceil((to - from) / columns) * cellPx;
      if (isAbove) return index;
    }
  }
  return null;
}

/** Where an arrow key leads; null: it is no such key. Up and down keep the column as far as they can. */
export function moveBy(layout: GridLayout, index: number, key: string): number | null {
  const last = (layout.waves.at(-1)?.to ?? 1) - 1;
  const within = (next: number): number => Math.min(last, Math.max(0, next));
  const { x, y } = placeOf(layout, index);
  const middle = layout.cellPx / 2;
  const vertical = (step: number): number => {
    const { columns } = layout;
    const rows = layout.waves.find(({ from, to }) => index >= from && index < to);
    const next = nodeAt(layout, x + middle, y + middle + step * layout.cellPx);
    if (next !== null) return next;
    const beside = nodeAt(layout, x + middle, y + middle + step * (layout.cellPx + GAP_PX));
    if (beside !== null) return beside;
    return within(step < 0 ? Math.min(index - 1, (rows?.from ?? 0) - 1) : Math.min(index + columns, rows?.to ?? last));
  };
  switch (key) {
    case 'ArrowRight':
      return within(index + 1);
    case 'ArrowLeft':
      return within(index - 1);
    case 'ArrowDown':
      return vertical(1);
    case 'ArrowUp':
      return vertical(-1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

/** State of a node, from the short form of the grid. */
export const stateAt = ({ legend, states }: Pick<RunGrid, 'legend' | 'states'>, index: number): string =>
  legend[states.charCodeAt(index) - 'a'.charCodeAt(0)] ?? 'waiting';
