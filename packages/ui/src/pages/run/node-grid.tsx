import type { RunGrid, RunRow } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { isOver, lookOf } from '../../parts/order-look.ts';
import { texts } from '../../texts/index.ts';
import { drawGrid } from './draw-grid.ts';
import { layoutGrid, moveBy, nodeAt, placeOf, stateAt, type GridLayout, type WaveRows } from './grid-layout.ts';
import './run.css';

const t = texts.run;
type Nodes = NonNullable<RunGrid['nodes']>;
const NONE: Nodes = [];
const DEFAULT_WIDTH_PX = 900;

/** `Canary`, `Wave 3`; nothing for a run without waves. */
export function waveName(run: Pick<RunRow, 'rollout'>, wave: number): string {
  if (run.rollout === null || run.rollout.waves.length < 2) return '';
  return run.rollout.hasCanary && wave === 0 ? t.canary : t.wave(wave + 1);
}

/** `Wave 3 · 80 %` */
function waveLabel(run: RunRow, grid: RunGrid, { wave, from, to }: WaveRows): string {
  const name = waveName(run, wave);
  if (name === '') return '';
  let over = 0;
  for (let index = from; index < to; index += 1) if (isOver(stateAt(grid, index))) over += 1;
  return t.waveDone(name, Math.floor((over / (to - from)) * 100));
}

interface NodeGridProps {
  readonly run: RunRow;
  readonly grid: RunGrid;
  readonly picked: string;
  readonly onPick: (nodeId: string) => void;
}

const needsLook = (state: string): boolean => ['bad', 'warn'].includes(lookOf(state).tone);

function useDrawn(
  canvas: RefObject<HTMLCanvasElement | null>,
  drawing: { layout: GridLayout; grid: RunGrid; run: RunRow; active: number | null; widthPx: number },
): void {
  const { layout, grid, run, active, widthPx } = drawing;
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const frame = requestAnimationFrame(() => {
      const ratio = globalThis.devicePixelRatio;
      const [width, height] = [Math.round(widthPx * ratio), Math.round((layout.heightPx + 4) * ratio)];
      // Setting a size empties a canvas, even to the same.
      if (element.width !== width) element.width = width;
      if (element.height !== height) element.height = height;
      drawGrid(element, { layout, grid, active, labelOf: (rows) => waveLabel(run, grid, rows) });
    });
    return () => cancelAnimationFrame(frame);
  }, [canvas, layout, grid, run, active, widthPx]);
}

/** Which cell is pointed at, and how it moves by keys, by a name, to the next that needs a look. */
function useCursor({ run, grid, onPick }: NodeGridProps, nodes: Nodes, layout: GridLayout) {
  const [active, setActive] = useState<number | null>(null);
  const [typed, setTyped] = useState('');
  const nameOf = (index: number): string => {
    const node = nodes[index];
    const state = lookOf(stateAt(grid, index)).word;
    return node === undefined ? '' : t.cell(visibleLine(node.hostName, 100), state, waveName(run, node.wave));
  };
  const pick = (index: number | null): void => {
    const node = index === null ? undefined : nodes[index];
    if (node !== undefined) onPick(node.id);
  };
  const find = (text: string): void => {
    setTyped(text);
    const wanted = text.trim().toLowerCase();
    const index = wanted === '' ? -1 : nodes.findIndex(({ hostName }) => hostName.toLowerCase().includes(wanted));
    setActive(index === -1 ? null : index);
  };
  const nextBad = (): void => {
    const from = (active ?? -1) + 1;
    for (let step = 0; step < nodes.length; step += 1) {
      const index = (from + step) % nodes.length;
      if (!needsLook(stateAt(grid, index))) continue;
      setActive(index);
      pick(index);
      return;
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      pick(active);
      return;
    }
    const next = moveBy(layout, active ?? 0, event.key);
    if (next === null) return;
    event.preventDefault();
    setActive(active === null ? 0 : next);
  };
  return { active, setActive, typed, find, nextBad, onKeyDown, pick, nameOf };
}

/**
 * Every node of a run as one cell, on a canvas: thousands of elements that change each second would make the page
 * stutter. For the keyboard and for screen readers it is a list with one entry at a time.
 */
export function NodeGrid(props: NodeGridProps) {
  const { run, grid, picked } = props;
  const nodes = grid.nodes ?? NONE;
  const { ref, width } = useElementSize<HTMLDivElement>();
  const widthPx = width === 0 ? DEFAULT_WIDTH_PX : width;
  const canvas = useRef<HTMLCanvasElement | null>(null);
  const layout = useMemo(() => layoutGrid(nodes, widthPx), [nodes, widthPx]);
  const { active, setActive, typed, find, nextBad, onKeyDown, pick, nameOf } = useCursor(props, nodes, layout);
  const optionId = useId();
  useDrawn(canvas, { layout, grid, run, active, widthPx });

  const place = active === null ? null : placeOf(layout, active);
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.nodesBy}>
      <div className="hb-filters">
        <TextInput
          className="hb-filter-wide"
          type="search"
          aria-label={t.searchHost}
          placeholder={t.searchHost}
          value={typed}
          onChange={(event) => find(event.currentTarget.value)}
          onKeyDown={(event) => (event.key === 'Enter' ? pick(active) : undefined)}
        />
        <Button variant="default" className="hb-filter-tail" onClick={nextBad} disabled={!grid.legend.some(needsLook)}>
          {t.nextBad}
        </Button>
      </div>
      <div
        ref={ref}
        className="hb-node-grid"
        role="listbox"
        tabIndex={0}
        aria-label={t.gridLabel(nodes.length)}
        aria-activedescendant={active === null ? undefined : optionId}
        onKeyDown={onKeyDown}
        onFocus={() => setActive((now) => now ?? 0)}
      >
        <canvas
          ref={canvas}
          style={{ width: widthPx, height: layout.heightPx + 4 }}
          aria-hidden
          onPointerMove={({ nativeEvent }) => setActive(nodeAt(layout, nativeEvent.offsetX, nativeEvent.offsetY))}
          onClick={({ nativeEvent }) => pick(nodeAt(layout, nativeEvent.offsetX, nativeEvent.offsetY))}
        />
        {active === null || place === null ? null : (
          <div
            id={optionId}
            role="option"
            aria-selected={nodes[active]?.id === picked}
            className="hb-node-tip hb-foreign"
            style={{ left: Math.min(place.x, Math.max(0, widthPx - 260)), top: place.y + layout.cellPx + 2 }}
          >
            {nameOf(active)}
          </div>
        )}
      </div>
      <p className="hb-quiet hb-small">{typed !== '' && active === null ? t.noHost : t.gridHint}</p>
    </section>
  );
}
