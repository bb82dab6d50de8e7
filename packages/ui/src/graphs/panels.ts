/**
 * The graphs of a node: one row a panel, told as patterns of series names. What exists is found by expanding them
 * against the series that the node declares. Pure but for the words.
 */
import { parseSeriesName, unescapeInstance } from '@hauban/shared/metrics';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';

type SeriesWord = keyof typeof texts.graphs.series;
export type PanelId = keyof typeof texts.graphs.panels;

interface PanelSeries {
  /** `cpu.user`, or `disk.*.read_bytes_per_s` where `*` is any one instance. */
  readonly pattern: string;
  /** Word of the catalogue; left out for a series that is named by its instance alone. */
  readonly word?: SeriesWord;
  /** Drawn below zero. */
  readonly isBelow?: boolean;
}

export interface Panel {
  readonly id: PanelId;
  readonly unit: string;
  readonly kind: 'lines' | 'stack' | 'mirror';
  readonly series: readonly PanelSeries[];
  /** Top of the scale, or the series whose value is the top. */
  readonly max?: number | string;
  /** Instances that are not drawn. */
  readonly without?: RegExp;
  /** The first line has a ground below it. */
  readonly hasGround?: boolean;
  /** Not drawn while all values are zero. */
  readonly isHiddenWhenZero?: boolean;
}

const plain = (family: string, ...metrics: SeriesWord[]): PanelSeries[] =>
  metrics.map((word) => ({ pattern: `${family}.${word}`, word }));
/** The local loopback is left out: its traffic never leaves the machine. */
const LOOPBACK = /^lo$/;

export const PANELS: readonly Panel[] = [
  {
    id: 'cpu',
    unit: 'percent',
    kind: 'stack',
    max: 100,
    series: plain('cpu', 'user', 'nice', 'system', 'softirq', 'irq', 'iowait', 'steal'),
  },
  {
    id: 'memory',
    unit: 'bytes',
    kind: 'lines',
    max: 'mem.total_bytes',
    hasGround: true,
    series: plain('mem', 'used_bytes', 'cached_bytes', 'swap_used_bytes'),
  },
  { id: 'load', unit: 'count', kind: 'lines', hasGround: true, series: plain('sys', 'load1', 'load5', 'load15') },
  {
    id: 'pressure',
    unit: 'percent',
    kind: 'lines',
    series: plain('psi', 'cpu_some', 'memory_some', 'io_some', 'memory_full', 'io_full'),
  },
  {
    id: 'disk',
    unit: 'bytes_per_s',
    kind: 'mirror',
    series: [
      { pattern: 'disk.*.read_bytes_per_s', word: 'read' },
      { pattern: 'disk.*.write_bytes_per_s', word: 'write', isBelow: true },
    ],
  },
  { id: 'diskBusy', unit: 'percent', kind: 'lines', max: 100, series: [{ pattern: 'disk.*.busy_percent' }] },
  {
    id: 'network',
    unit: 'bytes_per_s',
    kind: 'mirror',
    without: LOOPBACK,
    series: [
      { pattern: 'net.*.rx_bytes_per_s', word: 'rx' },
      { pattern: 'net.*.tx_bytes_per_s', word: 'tx', isBelow: true },
    ],
  },
  { id: 'tcp', unit: 'count', kind: 'lines', series: plain('tcp', 'established', 'time_wait') },
  { id: 'fs', unit: 'ratio', kind: 'lines', max: 1, series: [{ pattern: 'fs.*.used_ratio' }] },
  { id: 'cores', unit: 'percent', kind: 'lines', max: 100, series: [{ pattern: 'cpu.*.busy' }] },
  { id: 'processes', unit: 'count', kind: 'lines', series: plain('proc', 'running', 'blocked', 'zombie') },
  {
    id: 'networkFaults',
    unit: 'per_s',
    kind: 'mirror',
    without: LOOPBACK,
    isHiddenWhenZero: true,
    series: [
      { pattern: 'net.*.rx_errors_per_s', word: 'rx' },
      { pattern: 'net.*.rx_drops_per_s', word: 'rx' },
      { pattern: 'net.*.tx_errors_per_s', word: 'tx', isBelow: true },
      { pattern: 'net.*.tx_drops_per_s', word: 'tx', isBelow: true },
    ],
  },
];

/** One drawn line. */
export interface Line {
  readonly name: string;
  readonly label: string;
  /** Place in the palette; the two directions of one interface share it. */
  readonly colour: number;
  readonly isBelow: boolean;
}

/** More lines than this tell nothing; the rest is named as not shown. */
export const MAX_INSTANCES = 8;

const natural = new Intl.Collator('en', { numeric: true });

function matches(pattern: string, name: string): string | null {
  if (pattern === name) return '';
  const wanted = pattern.split('.*.');
  if (wanted.length !== 2) return null;
  const parsed = parseSeriesName(name);
  return parsed !== undefined && parsed.instance !== '' && parsed.family === wanted[0] && parsed.metric === wanted[1]
    ? parsed.instance
    : null;
}

export interface PanelLines {
  readonly lines: readonly Line[];
  /** Instances beyond the first eight. */
  readonly hidden: number;
}

/** The lines of a panel on a node that declares these series. */
export function linesOf(panel: Panel, names: readonly string[]): PanelLines {
  const found = panel.series.flatMap((series) =>
    names.flatMap((name) => {
      const instance = matches(series.pattern, name);
      return instance === null || panel.without?.test(instance) === true ? [] : [{ series, name, instance }];
    }),
  );
  const instances = [...new Set(found.map(({ instance }) => instance))].sort(natural.compare);
  const shown = instances.slice(0, MAX_INSTANCES);
  const isByInstance = shown.some((instance) => instance !== '');
  const kept = found.filter(({ instance }) => shown.includes(instance));
  const lines = kept.map(({ series, name, instance }, at): Line => {
    const word = series.word === undefined ? '' : texts.graphs.series[series.word];
    const label = [visibleLine(unescapeInstance(instance), 40), word].filter((part) => part !== '').join(' ');
    return { name, label, colour: isByInstance ? shown.indexOf(instance) : at, isBelow: series.isBelow ?? false };
  });
  return { lines, hidden: instances.length - shown.length };
}

/** Names that a panel needs: its lines, and the series that is the top of its scale. */
export function namesOf(panel: Panel, lines: readonly Line[]): string[] {
  const names = lines.map((line) => line.name);
  return typeof panel.max === 'string' ? [...names, panel.max] : names;
}
