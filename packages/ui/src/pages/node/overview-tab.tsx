import type { NodeDetail } from '@hauban/shared/api';
import { SegmentedControl } from '@mantine/core';
import { useMemo } from 'react';
import { useSeries } from '../../api/hooks.ts';
import { formatDuration } from '../../format/time.ts';
import { formatNumber, NO_VALUE } from '../../format/units.ts';
import { MetricPanel } from '../../graphs/metric-panel.tsx';
import { namesOf } from '../../graphs/panels.ts';
import { RANGE_NAMES, type Range } from '../../graphs/ranges.ts';
import { useHistories, useLiveSamples, usePanels } from '../../graphs/use-node-metrics.ts';
import { Mark } from '../../parts/mark.tsx';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
import { RatioBar } from '../../parts/ratio-bar.tsx';
import { useNow } from '../../parts/use-now.ts';
import { oneOf, useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';

const t = texts.graphs;

function Figures({ node }: { readonly node: NodeDetail }) {
  const { figures } = node;
  const now = useNow();
  const words = texts.fleet.columns;
  return (
    <div className="hb-figures">
      <div className="hb-figure">
        <span>{words.cpu}</span>
        <RatioBar ratio={figures.cpuBusyRatio} label={words.cpu} />
      </div>
      <div className="hb-figure">
        <span>{words.memory}</span>
        <RatioBar ratio={figures.memoryUsedRatio} label={words.memory} highAt={0.9} criticalAt={0.97} />
      </div>
      <div className="hb-figure">
        <span>{words.fullest}</span>
        <RatioBar ratio={figures.fullestFsRatio} label={words.fullest} highAt={0.85} />
      </div>
      <div className="hb-figure">
        <span>{words.load}</span>
        <strong>{figures.load1 === null ? NO_VALUE : formatNumber(figures.load1)}</strong>
      </div>
      <div className="hb-figure">
        <span>{words.units}</span>
        <strong>
          {figures.failedUnits === null ? (
            NO_VALUE
          ) : figures.failedUnits === 0 ? (
            '0'
          ) : (
            <Mark tone="warn" word={String(figures.failedUnits)} />
          )}
        </strong>
      </div>
      <div className="hb-figure">
        <span>{texts.node.uptime}</span>
        <strong>{node.bootedAt === null ? NO_VALUE : formatDuration(now - node.bootedAt)}</strong>
      </div>
    </div>
  );
}

function RangePicker({ range, onChange }: { readonly range: Range; readonly onChange: (range: string) => void }) {
  return (
    <SegmentedControl
      aria-label={t.range}
      value={range}
      onChange={onChange}
      data={RANGE_NAMES.map((name) => ({ value: name, label: t.ranges[name] }))}
    />
  );
}

function Graphs({
  node,
  names,
  range,
}: {
  readonly node: NodeDetail;
  readonly names: readonly string[];
  readonly range: Range;
}) {
  const panels = usePanels(names);
  const isLive = range === 'live';
  const wanted = useMemo(() => [...new Set(panels.flatMap(({ panel, lines }) => namesOf(panel, lines)))], [panels]);
  const histories = useHistories(node.id, panels, range);
  const { buffer, count } = useLiveSamples(node.id, isLive && node.state === 'up' ? wanted : null);
  const tick = useNow();
  const nowMs = isLive ? Math.max(tick, buffer.times().at(-1) ?? 0) : tick;
  const failed = histories.find((history) => history.error !== null);
  return (
    <>
      {failed === undefined ? null : <ErrorNotice error={failed.error} />}
      <div className="hb-panels">
        {panels.map(({ panel, lines, hidden }, at) => (
          <MetricPanel
            key={panel.id}
            panel={panel}
            lines={lines}
            hidden={hidden}
            range={range}
            history={histories[at]?.data}
            isLoading={histories[at]?.isLoading ?? true}
            live={isLive ? buffer : null}
            liveCount={count}
            nowMs={nowMs}
          />
        ))}
      </div>
    </>
  );
}

export default function OverviewTab({ node }: { readonly node: NodeDetail }) {
  const [search, setSearch] = useSearchState();
  const range = oneOf(search['range'], RANGE_NAMES);
  const series = useSeries(node.id);
  const names = useMemo(() => series.data?.map(({ name }) => name), [series.data]);
  return (
    <>
      <div className="hb-range-row">
        <Figures node={node} />
        <div className="hb-row">
          <span className="hb-quiet hb-small">
            {range === 'live' ? (node.state === 'up' ? t.liveHint : t.notLive) : ''}
          </span>
          <RangePicker range={range} onChange={(value) => setSearch({ range: value === 'live' ? '' : value })} />
        </div>
      </div>
      <QueryView query={{ ...series, data: names }}>
        {(all) => <Graphs node={node} names={all} range={range} />}
      </QueryView>
    </>
  );
}
