import { catalogueSeries, createSeriesList, MAX_SERIES, type SeriesList } from '@hauban/shared/metrics';
import { rawWidth, type Collector, type Derivation } from '../collectors/index.ts';

/** One collector with its place in the list of series and among the raw numbers. */
export interface Reading {
  readonly collector: Collector;
  /** Its series are `firstSeries` to `endSeries - 1` of the list. */
  readonly firstSeries: number;
  readonly endSeries: number;
  /** Its raw numbers: a part of the one array. */
  readonly raw: Float64Array;
  /** Monotonic ms of the last `collect`; NaN before the first. */
  readAtMs: number;
}

/** One series: where its raw number is and how it becomes a value. */
export interface SeriesPlan {
  readonly from: Derivation;
  /** Position of its (first) raw number. */
  readonly rawAt: number;
  readonly scale: number;
}

/** What is declared at one time: replaced as a whole when a device comes or goes. */
export interface RawReadings {
  readonly list: SeriesList;
  readonly readings: readonly Reading[];
  /** By position in the list. */
  readonly plan: readonly SeriesPlan[];
  readonly raw: Float64Array;
}

/** Asks every collector what there is now. Collectors whose series would not fit into a list any more have none. */
export function declareReadings(collectors: readonly Collector[]): RawReadings {
  const names: string[] = [];
  const plan: SeriesPlan[] = [];
  const places: { collector: Collector; firstSeries: number; endSeries: number; rawAt: number; rawEnd: number }[] = [];
  let width = 0;
  for (const collector of collectors) {
    const declared = collector.series();
    const own = names.length + declared.length <= MAX_SERIES ? declared : [];
    const place = {
      collector,
      firstSeries: names.length,
      endSeries: names.length + own.length,
      rawAt: width,
      rawEnd: 0,
    };
    for (const { name, from } of own) {
      names.push(name);
      plan.push({ from, rawAt: width, scale: catalogueSeries(name).scale });
      width += rawWidth(from);
    }
    places.push({ ...place, rawEnd: width });
  }
  const raw = new Float64Array(width).fill(Number.NaN);
  return {
    list: createSeriesList(names.map(catalogueSeries)),
    readings: places.map(({ collector, firstSeries, endSeries, rawAt, rawEnd }) => ({
      collector,
      firstSeries,
      endSeries,
      raw: raw.subarray(rawAt, rawEnd),
      readAtMs: Number.NaN,
    })),
    plan,
    raw,
  };
}
