import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock, formatDate } from '../format/time.ts';
import { formatValue } from '../format/units.ts';
import type { ChartData } from './chart-data.ts';
import { scaleRange, stepsOf } from './chart-scale.ts';
import type { Line, Panel } from './panels.ts';

const HEIGHT_PX = 168;
const PALETTE_SIZE = 8;

export const colourOf = (place: number): string => `var(--hb-series-${(place % PALETTE_SIZE) + 1})`;

/** A canvas knows no CSS variables: the colour as it is now. */
const cssColour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const lineColour = (line: Line): string => cssColour(`--hb-series-${(line.colour % PALETTE_SIZE) + 1}`);

/** Clock below a day between marks, date above. */
function timeMarks(splits: readonly number[], stepS: number): string[] {
  return splits.map((at) => {
    if (stepS >= 86_400) return formatDate(at * 1000).slice(5);
    const clock = formatClock(at * 1000);
    return stepS < 60 ? clock : clock.slice(0, 5);
  });
}

function seriesOf(panel: Panel, line: Line, at: number): UPlot.Series {
  const colour = lineColour(line);
  const isFilled = panel.kind === 'mirror' || (panel.hasGround === true && at === 0);
  // The lowest of a stack fills down to zero; the others fill down to the one below (bands).
  const fill = panel.kind === 'stack' ? (at === 0 ? `${colour}b0` : undefined) : isFilled ? `${colour}24` : undefined;
  return {
    label: line.label,
    stroke: colour,
    width: panel.kind === 'stack' ? 0.5 : 1.4,
    points: { show: false },
    spanGaps: false,
    ...(fill === undefined ? {} : { fill }),
  };
}

function options(
  panel: Panel,
  lines: readonly Line[],
  widthPx: number,
  group: string,
  top: () => number | null,
  onHover: (row: number | null) => void,
): UPlot.Options {
  const ink = cssColour('--hb-ink-2');
  const grid = { stroke: cssColour('--hb-line'), width: 1 };
  const steps = stepsOf(panel.unit);
  const bands =
    panel.kind === 'stack'
      ? lines.slice(1).map((line, at): UPlot.Band => ({ series: [at + 2, at + 1], fill: `${lineColour(line)}b0` }))
      : [];
  return {
    width: widthPx,
    height: HEIGHT_PX,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: group }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: { x: { time: true }, y: { range: (_, low, high) => scaleRange(panel.unit, low, high, top()) } },
    axes: [
      {
        stroke: ink,
        grid,
        ticks: { show: false },
        size: 26,
        font: '11.5px sans-serif',
        values: (_, splits, __, ___, stepS) => timeMarks(splits, stepS),
      },
      {
        stroke: ink,
        grid,
        ticks: { show: false },
        size: 66,
        font: '11.5px sans-serif',
        values: (_, splits) => splits.map((value) => formatValue(panel.unit, Math.abs(value))),
        ...(steps === undefined ? {} : { incrs: steps }),
      },
    ],
    series: [{}, ...lines.map((line, at) => seriesOf(panel, line, at))],
    bands,
    hooks: { setCursor: [(chart) => onHover(chart.cursor.idx ?? null)] },
  };
}

export interface TimeChartProps {
  readonly panel: Panel;
  readonly lines: readonly Line[];
  readonly data: ChartData;
  /** Seconds shown; null: what the data has. */
  readonly window: readonly [from: number, to: number];
  /** Charts of one group share the cursor. */
  readonly group: string;
  readonly label: string;
  readonly onHover: (row: number | null) => void;
}

/** A line chart over time, in the colours of the scheme as it is when the chart is made (key it by the scheme). The canvas is for the eye; its label tells the latest values. */
export function TimeChart({ panel, lines, data, window: shown, group, label, onHover }: TimeChartProps) {
  const place = useRef<HTMLDivElement | null>(null);
  const chart = useRef<UPlot | null>(null);
  const hover = useRef(onHover);
  const newest = useRef(data);
  const [from, to] = shown;
  useEffect(() => {
    hover.current = onHover;
    newest.current = data;
  });

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new UPlot(
      options(
        panel,
        lines,
        Math.max(200, element.clientWidth),
        group,
        () => newest.current.top,
        (row) => hover.current(row),
      ),
      undefined,
      element,
    );
    chart.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT_PX }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [panel, lines, group]);

  useEffect(() => {
    const made = chart.current;
    if (made === null) return;
    made.batch(() => {
      made.setData([[...data.times], ...data.columns.map((column) => [...column])], true);
      made.setScale('x', { min: from, max: to });
    });
  }, [data, from, to]);

  return <div ref={place} className="hb-chart" role="img" aria-label={label} />;
}
