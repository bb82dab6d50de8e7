import type { RunGrid } from '@hauban/shared/api';
import type { Tone } from '../../parts/mark.tsx';
import { lookOf } from '../../parts/order-look.ts';
import { placeOf, stateAt, type GridLayout, type WaveRows } from './grid-layout.ts';

const TONES: readonly Tone[] = ['ok', 'warn', 'bad', 'idle', 'busy'];
type Colours = Readonly<Record<Tone | 'ink' | 'surface' | 'focus', string>>;

/** As the theme has them at this moment. */
function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(`--hb-${name}`).trim();
  const tones = Object.fromEntries(TONES.map((tone) => [tone, of(tone === 'busy' ? 'accent' : tone)]));
  return { ...tones, ink: of('ink-2'), surface: of('surface'), focus: of('focus') } as Colours;
}

/** No state by colour alone: full, triangle, crossed, empty, half full. */
function drawCell(context: CanvasRenderingContext2D, tone: Tone, at: { x: number; y: number; size: number }): void {
  const { x, y, size } = at;
  context.beginPath();
  switch (tone) {
    case 'ok':
      context.fillRect(x, y, size, size);
      return;
    case 'warn':
      context.moveTo(x + size / 2, y);
      context.lineTo(x + size, y + size);
      context.lineTo(x, y + size);
      context.fill();
      return;
    case 'bad':
      context.fillRect(x, y, size, size);
      context.moveTo(x + 2, y + 2);
      context.lineTo(x + size - 2, y + size - 2);
      context.moveTo(x + size - 2, y + 2);
      context.lineTo(x + 2, y + size - 2);
      context.stroke();
      return;
    case 'busy':
      context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
      context.fillRect(x, y + size / 2, size, size / 2);
      return;
    case 'idle':
      context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  }
}

export interface Drawing {
  readonly layout: GridLayout;
  readonly grid: Pick<RunGrid, 'legend' | 'states'>;
  readonly labelOf: (rows: WaveRows) => string;
  readonly active: number | null;
}

/** All of it, anew: 5,000 cells take a few milliseconds, and the canvas keeps them without an element each. */
export function drawGrid(canvas: HTMLCanvasElement, { layout, grid, labelOf, active }: Drawing): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const ratio = globalThis.devicePixelRatio;
  const colours = coloursOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'top';
  context.fillStyle = colours.ink;
  for (const rows of layout.waves) context.fillText(labelOf(rows), 0, rows.topPx);
  const size = layout.cellPx - 3;
  const tones = new Map(grid.legend.map((state) => [state, lookOf(state).tone]));
  for (const tone of TONES) {
    context.fillStyle = colours[tone];
    context.strokeStyle = tone === 'bad' ? colours.surface : colours[tone];
    for (const { from, to } of layout.waves)
      for (let index = from; index < to; index += 1)
        if ((tones.get(stateAt(grid, index)) ?? 'idle') === tone)
          drawCell(context, tone, { ...placeOf(layout, index), size });
  }
  if (active === null) return;
  const { x, y } = placeOf(layout, active);
  context.strokeStyle = colours.focus;
  context.lineWidth = 2;
  context.strokeRect(x - 1.5, y - 1.5, size + 3, size + 3);
  context.lineWidth = 1;
}
