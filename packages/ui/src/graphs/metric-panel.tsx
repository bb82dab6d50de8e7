import type { MetricReply } from '@hauban/shared/api';
import { useComputedColorScheme } from '@mantine/core';
import { useMemo, useState } from 'react';
import { formatDateTime } from '../format/time.ts';
import { formatValue } from '../format/units.ts';
import { texts } from '../texts/index.ts';
import { chartData, hasFigures, isEmpty, latestOf, type ChartData } from './chart-data.ts';
import type { Line, Panel } from './panels.ts';
import { RANGES, type Range } from './ranges.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import { colourOf, TimeChart } from './time-chart.tsx';
import './metric-panel.css';

const t = texts.graphs;
const hints: Partial<Record<Panel['id'], string>> = t.hints;

interface LegendProps {
  readonly panel: Panel;
  readonly lines: readonly Line[];
  readonly values: readonly (number | null)[];
  /** Unix ms of the point under the cursor; null: the newest values are shown. */
  readonly at: number | null;
}

function Legend({ panel, lines, values, at }: LegendProps) {
  return (
    <ul className="hb-legend">
      {at === null ? null : <li className="hb-legend-time">{formatDateTime(at)}</li>}
      {lines.map((line, n) => (
        <li key={line.name}>
          <svg width="10" height="10" aria-hidden>
            <rect
              y="1"
              width="10"
              height="8"
              rx="1.500"
              fill={colourOf(line.colour)}
              opacity={line.isBelow ? 0.55 : 1}
            />
          </svg>
          <span className="hb-foreign">{line.label}</span>
          <strong>{formatValue(panel.unit, values[n])}</strong>
        </li>
      ))}
    </ul>
  );
}

export interface MetricPanelProps {
  readonly panel: Panel;
  readonly lines: readonly Line[];
  readonly hidden: number;
  readonly range: Range;
  readonly history: MetricReply | undefined;
  readonly isLoading: boolean;
  /** Null: no live samples in this range. */
  readonly live: SampleBuffer | null;
  /** Grows with each live sample. */
  readonly liveCount: number;
  readonly nowMs: number;
}

function Body({
  panel,
  lines,
  data,
  props,
}: {
  readonly panel: Panel;
  readonly lines: readonly Line[];
  readonly data: ChartData;
  readonly props: MetricPanelProps;
}) {
  const scheme = useComputedColorScheme();
  const [row, setRow] = useState<number | null>(null);
  const latest = latestOf(data);
  const values = row === null ? latest : lines.map((_, at) => data.raw[at]?.[row] ?? null);
  const summary = lines.map((line, at) => t.latest(line.label, formatValue(panel.unit, latest[at]))).join(', ');
  if (isEmpty(data)) {
    const text = props.isLoading ? texts.words.loading : props.live === null ? t.noData : t.noDataLive;
    return <p className="hb-panel-empty">{text}</p>;
  }
  return (
    <>
      <TimeChart
        key={scheme}
        panel={panel}
        lines={lines}
        data={data}
        window={[(props.nowMs - RANGES[props.range]) / 1000, props.nowMs / 1000]}
        group="node"
        label={t.chartLabel(t.panels[panel.id], summary)}
        onHover={setRow}
      />
      <Legend panel={panel} lines={lines} values={values} at={row === null ? null : (data.times[row] ?? 0) * 1000} />
    </>
  );
}

/** One graph with its title and legend; the legend follows the cursor over all graphs of the page. */
export function MetricPanel(props: MetricPanelProps) {
  const { panel, lines, history, live, liveCount, nowMs, range } = props;
  const data = useMemo(
    () => chartData(panel, lines, history, live, nowMs - RANGES[range]),
    // The buffer is the same object all the time: its count says that it has grown.
    // oxlint-disable-next-line react/exhaustive-deps
    [panel, lines, history, live, liveCount, nowMs, range],
  );
  if (panel.isHiddenWhenZero === true && !hasFigures(data)) return null;
  return (
    <section className="hb-card hb-panel" aria-label={t.panels[panel.id]}>
      <h2 className="hb-panel-title">
        {t.panels[panel.id]}
        <span>{hints[panel.id] ?? ''}</span>
        {props.hidden > 0 ? <span>{t.other(props.hidden)}</span> : null}
      </h2>
      <Body panel={panel} lines={lines} data={data} props={props} />
    </section>
  );
}
