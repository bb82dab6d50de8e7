/**
 * What nodes measure: takes lists, live frames and chunks from the gateway, holds the last quarter of an hour of each
 * node in memory, stores chunks, and answers with series over any range. Alerts and healing read live ticks here; they
 * never wait for the database, and the database never sees a live frame. May not know who a node is.
 */
import { HaubanError } from '@hauban/shared/errors';
import type { KeyFigures, MetricQuery, MetricReply, SeriesRow } from '@hauban/shared/api';
import { catalogueEntry, parseSeriesList, parseSeriesName, type Deflate, type Series } from '@hauban/shared/metrics';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { createChunkTaker } from './chunk-taker.ts';
import { keyFigures } from './key-figures.ts';
import { createListBook } from './list-book.ts';
import { createLiveRing, RING_MS, type LiveRing } from './live-ring.ts';
import { createLiveNews, type LiveNews } from './live-news.ts';
import { createMetricsUpkeep, type MetricsUpkeep } from './metrics-upkeep.ts';
import type { MetricsRepository } from './metrics.repository.ts';
import { createPartitionKeeper } from './partition-keeper.ts';
import { chooseGrid } from './series-buckets.ts';
import { querySeries } from './series-query.ts';

export type { NodeTick } from './live-news.ts';

export interface MetricsParts {
  readonly repository: MetricsRepository;
  readonly clock: Clock;
  readonly log: Log;
  /** Raw inflate with a bound on its output; undefined for bytes that are not deflated. */
  readonly inflate: Deflate['inflate'];
}

/** Which link something came over. */
interface FromNode {
  readonly nodeId: NodeId;
}

const DEFAULT_POINTS = 600;
/** Series in one answer. */
const MAX_SERIES_ASKED = 400;
const FINEST_STORED_MS = 10_000;
const FINEST_LIVE_MS = 1000;

export interface MetricsService extends LiveNews, MetricsUpkeep {
  /** As the gateway hands it over (`MetricPort`). A list that is none is logged and forgotten. */
  series(link: FromNode, list: unknown): Promise<void>;
  live(link: FromNode, frame: Uint8Array): void;
  chunk(link: FromNode, bytes: Uint8Array): Promise<{ readonly boot: string; readonly seq: number } | null>;
  /** The figures of the fleet's table, from the newest live tick of the last minutes. */
  figuresOf(nodeId: string): KeyFigures;
  /** What series a node has, or had last. */
  seriesOf(nodeId: string): Promise<SeriesRow[]>;
  /** Series over a range: stored, and live where nothing is stored yet. BAD_REQUEST for a range or names that can not be. */
  query(nodeId: string, query: MetricQuery): Promise<MetricReply>;
}

/** Figures older than this say nothing about now. */
const FRESH_MS = 60_000;

/** `a,b*` against the names that there are; an exact name that is unknown is left out. */
export function expandNames(wanted: string, known: readonly string[]): string[] {
  const patterns = wanted.split(',').map((part) => part.trim());
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return known.filter((name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)));
}

export function createMetricsService(parts: MetricsParts): MetricsService {
  const { repository, clock, log } = parts;
  const lists = createListBook(repository);
  const rings = new Map<string, LiveRing>();
  const partitions = createPartitionKeeper(repository, log);
  const news = createLiveNews();

  /** All series that a node has or had, each once, as the newest list that has it says. */
  const knownSeries = async (nodeId: string): Promise<Map<string, Series>> => {
    const found = new Map<string, Series>();
    for (const list of await lists.newest(nodeId))
      for (const series of list.series) if (!found.has(series.name)) found.set(series.name, series);
    return found;
  };

  const takeChunk = createChunkTaker({ repository, lists, partitions, clock, log, inflate: parts.inflate });

  const answer = async (nodeId: string, { series, from, to, points, extremes }: MetricQuery): Promise<MetricReply> => {
    if (to <= from) throw new HaubanError('BAD_REQUEST', 'The range ends before it begins: `to` must be after `from`.');
    const known = await knownSeries(nodeId);
    const names = expandNames(series, [...known.keys()]);
    if (names.length > MAX_SERIES_ASKED)
      throw new HaubanError(
        'BAD_REQUEST',
        `That is ${names.length} series; ask for at most ${MAX_SERIES_ASKED} at once.`,
      );
    const grid = chooseGrid(from, to, points ?? DEFAULT_POINTS, finestMs(rings.get(nodeId), from, to));
    const live = (rings.get(nodeId)?.since(grid.fromMs) ?? []).filter((tick) => tick.timeMs <= to);
    const buckets = await querySeries(
      { nodeId, names, toMs: to, grid, live },
      { repository, lists, inflate: parts.inflate },
    );
    return {
      times: Array.from({ length: grid.count }, (_, i) => grid.fromMs + i * grid.stepMs),
      stepMs: grid.stepMs,
      series: names.map((name, index) => ({
        name,
        unit: known.get(name)?.unit ?? 'count',
        values: buckets.means(index),
        ...(extremes === true ? { min: buckets.minima(index), max: buckets.maxima(index) } : {}),
      })),
    };
  };

  return {
    ...news,
    ...createMetricsUpkeep({
      repository,
      partitions,
      clock,
      log,
      forgetIdle: (idleSinceMs) => forgetIdle(rings, lists, idleSinceMs),
    }),

    series: async ({ nodeId }, value) => {
      const parsed = parseSeriesList(value);
      if (!parsed.ok) return log.warn({ nodeId, problem: parsed.problem }, 'a list of series was refused');
      const list = await lists.declare(nodeId, parsed.value, clock.nowMs());
      let ring = rings.get(nodeId);
      if (ring === undefined) rings.set(nodeId, (ring = createLiveRing(clock.nowMs())));
      ring.declare(list);
    },

    live: ({ nodeId }, frame) => {
      const result = rings.get(nodeId)?.take(frame, clock.nowMs());
      if (result?.ok === true) news.tell(nodeId, result.tick);
      else log.debug({ nodeId, problem: result?.problem ?? 'no-list' }, 'a live frame was dropped');
    },

    chunk: async ({ nodeId }, bytes) => takeChunk(nodeId, bytes),

    figuresOf: (nodeId) => {
      const tick = rings.get(nodeId)?.latest();
      return keyFigures(tick !== undefined && clock.nowMs() - tick.receivedMs <= FRESH_MS ? tick : undefined);
    },

    seriesOf: async (nodeId) =>
      [...(await knownSeries(nodeId)).values()].map(({ name, unit }) => ({
        name,
        family: parseSeriesName(name)?.family ?? '',
        unit,
        says: catalogueEntry(name)?.says ?? '',
      })),

    query: async (nodeId, query) => answer(nodeId, query),
  };
}

/** A graph of the last minutes has a point a second when somebody watched then. */
function finestMs(ring: LiveRing | undefined, fromMs: number, toMs: number): number {
  const ticks = ring?.since(fromMs) ?? [];
  const isWatched = ticks.some((tick, i) => tick.timeMs - (ticks[i - 1]?.timeMs ?? 0) < FINEST_STORED_MS / 2);
  return isWatched && toMs - fromMs <= RING_MS ? FINEST_LIVE_MS : FINEST_STORED_MS;
}

function forgetIdle(rings: Map<string, LiveRing>, lists: { forget(nodeId: string): void }, idleSinceMs: number): void {
  for (const [nodeId, ring] of rings) {
    if ((ring.latest()?.receivedMs ?? ring.madeMs) >= idleSinceMs) continue;
    rings.delete(nodeId);
    lists.forget(nodeId);
  }
}
