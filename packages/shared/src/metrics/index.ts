/**
 * Metrics: what series there are, what they are called, and the bytes in which they travel and lie on disk.
 * Pure; imports only the checks of `protocol`. Names: `series-name.ts`. Wire forms: `live-frame.ts` (rules METRIC1 to
 * METRIC4 of SPEC.md), `sealed-chunk.ts`, `family-block.ts`, `rollup.ts`. Every decoder takes any bytes and returns a value.
 */
export {
  CATALOGUE,
  catalogueEntry,
  SERIES_KINDS,
  UNITS,
  type CatalogueEntry,
  type SeriesKind,
  type Unit,
} from './catalogue.ts';
export { FAMILIES, FAMILY_CODES, isFamily, type Family } from './families.ts';
export {
  decodeFamilyBlock,
  encodeFamilyBlock,
  MAX_BODY_BYTES,
  MAX_TICKS,
  type Deflate,
  type FamilySamples,
} from './family-block.ts';
export {
  createLiveDecoder,
  type LiveDecoded,
  type LiveDecoder,
  type LiveProblem,
  type LiveTick,
} from './live-decoder.ts';
export { createLiveEncoder, type LiveEncoder } from './live-encoder.ts';
export type { Precision } from './live-frame.ts';
export { crc32 } from './crc32.ts';
export { decodeRollups, encodeRollups, joinRollups, rollUp, type Rollup } from './rollup.ts';
export { fromScaled, MAX_SCALED, toScaled } from './scaling.ts';
export {
  MAX_CHUNK_BYTES,
  parseSealedChunk,
  sealChunk,
  type ChunkFamily,
  type ChunkKey,
  type OpenWindow,
  type SealedChunk,
} from './sealed-chunk.ts';
export {
  catalogueSeries,
  createSeriesList,
  MAX_SERIES,
  parseSeriesList,
  seriesListToJson,
  type Series,
  type SeriesList,
} from './series-list.ts';
export { escapeInstance, parseSeriesName, seriesName, unescapeInstance, type SeriesName } from './series-name.ts';
