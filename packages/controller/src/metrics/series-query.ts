import {
  decodeFamilyBlock,
  decodeRollups,
  fromScaled,
  parseSeriesName,
  type Deflate,
  type Family,
  type SeriesList,
} from '@hauban/shared/metrics';
import type { RingTick } from './live-ring.ts';
import type { ListBook } from './list-book.ts';
import { HOUR_MS, type StoredBlocks } from './metric-blocks.ts';
import type { MetricsRepository } from './metrics.repository.ts';
import { createBuckets, uncoveredTicks, type Buckets, type Grid } from './series-buckets.ts';

export interface SeriesQuery {
  readonly nodeId: string;
  /** Names of series; each belongs to a known family. */
  readonly names: readonly string[];
  readonly toMs: number;
  readonly grid: Grid;
  /** The node's live ticks in the range. */
  readonly live: readonly RingTick[];
}

export interface QueryParts {
  readonly repository: MetricsRepository;
  readonly lists: ListBook;
  readonly inflate: Pick<Deflate, 'inflate'>['inflate'];
}

/** Rows decoded before other work gets its turn: about 5 ms. */
const ROWS_A_TURN = 40;

/** Where the wanted series stand in the blocks of one list. */
interface Place {
  /** Position among the series of the family. */
  readonly column: number;
  /** Position in the query. */
  readonly wanted: number;
  readonly scale: number;
}

function placesOf(list: SeriesList, family: Family, wanted: ReadonlyMap<string, number>): Place[] {
  return list.byFamily[family].flatMap((position, column) => {
    const series = list.series[position];
    const index = series === undefined ? undefined : wanted.get(series.name);
    return series === undefined || index === undefined ? [] : [{ column, wanted: index, scale: series.scale }];
  });
}

function addSamples(
  buckets: Buckets,
  row: StoredBlocks,
  bytes: Uint8Array,
  places: readonly Place[],
  parts: QueryParts,
): void {
  const decoded = decodeFamilyBlock(bytes, { inflate: parts.inflate });
  // Checked before it was stored: a block that can not be read is a damaged disk, and a gap.
  if (!decoded.ok) return;
  for (const { column, wanted, scale } of places) {
    decoded.value.columns[column]?.forEach((value, tick) =>
      buckets.add(wanted, row.startMs + (decoded.value.offsetsMs[tick] ?? 0), fromScaled(value, scale)),
    );
  }
}

function addRollups(buckets: Buckets, row: StoredBlocks, bytes: Uint8Array, places: readonly Place[]): void {
  const decoded = decodeRollups(bytes);
  if (!decoded.ok) return;
  for (const { column, wanted, scale } of places) {
    const rollup = decoded.value.rollups[column];
    if (rollup === undefined) continue;
    const { count, min, mean, max } = rollup;
    buckets.addRollup(wanted, row.startMs, {
      count,
      min: fromScaled(min, scale),
      mean: fromScaled(mean, scale),
      max: fromScaled(max, scale),
    });
  }
}

/** The rows that answer the grid: samples, 5-minute rollups, or hours with the rollups of those not joined yet. */
async function loadRows(
  query: SeriesQuery,
  families: readonly Family[],
  repository: MetricsRepository,
): Promise<StoredBlocks[]> {
  const { nodeId, grid, toMs } = query;
  if (grid.source === 'chunks') return repository.chunks(nodeId, families, grid.fromMs, toMs);
  if (grid.source === 'rollups') return repository.rollups(nodeId, families, grid.fromMs, toMs + 1);
  const due = await repository.dueHoursOf(nodeId, grid.fromMs, toMs + 1);
  const hours = await repository.hours(nodeId, families, grid.fromMs, toMs + 1);
  const rows = hours.filter((row) => !due.includes(row.startMs));
  for (const startMs of due) rows.push(...(await repository.rollups(nodeId, families, startMs, startMs + HOUR_MS)));
  return rows;
}

/** Reads what is stored and what is live, and averages it into the grid. */
export async function querySeries(query: SeriesQuery, parts: QueryParts): Promise<Buckets> {
  const wanted = new Map(query.names.map((name, index) => [name, index]));
  const families = [...new Set(query.names.flatMap((name) => parseSeriesName(name)?.family ?? []))];
  const buckets = createBuckets(query.grid, query.names.length);
  const rows = families.length === 0 ? [] : await loadRows(query, families, parts.repository);
  const places = new Map<string, Map<Family, Place[]>>();
  for (const [index, row] of rows.entries()) {
    if (index % ROWS_A_TURN === ROWS_A_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
    let ofList = places.get(row.list);
    if (ofList === undefined) {
      const list = await parts.lists.find(query.nodeId, row.list);
      ofList = new Map(list === undefined ? [] : families.map((family) => [family, placesOf(list, family, wanted)]));
      places.set(row.list, ofList);
    }
    for (const family of families) {
      const bytes = row.blocks[family];
      const ofFamily = ofList.get(family) ?? [];
      if (bytes === undefined || ofFamily.length === 0) continue;
      if (query.grid.source === 'chunks') addSamples(buckets, row, bytes, ofFamily, parts);
      else addRollups(buckets, row, bytes, ofFamily);
    }
  }
  addLive(buckets, query, rows, wanted);
  return buckets;
}

function addLive(
  buckets: Buckets,
  query: SeriesQuery,
  rows: readonly StoredBlocks[],
  wanted: ReadonlyMap<string, number>,
): void {
  for (const tick of uncoveredTicks(query.live, rows)) {
    tick.list.series.forEach(({ name }, position) => {
      const index = wanted.get(name);
      if (index !== undefined) buckets.add(index, tick.timeMs, tick.values[position] ?? Number.NaN);
    });
  }
}
