import {
  decodeFamilyBlock,
  decodeRollups,
  parseSealedChunk,
  rollUp,
  type ChunkFamily,
  type Deflate,
  type Family,
  type Rollup,
  type SealedChunk,
  type SeriesList,
} from '@hauban/shared/metrics';
import { PARTITION_PLANS } from './metric-partitions.ts';
import type { Blocks, ChunkRecord } from './metric-blocks.ts';

/** Longest time that one chunk may cover; an agent seals every 5 minutes. */
const MAX_LENGTH_MS = 3_600_000;
/** How far a node's clock may be ahead. */
const MAX_AHEAD_MS = 600_000;
const DAY_MS = 86_400_000;

export type Intake =
  | { readonly ok: true; readonly record: ChunkRecord }
  | { readonly ok: false; readonly problem: string };

/** Opens the envelope and looks at key and time, before anything is read for it. */
export function openChunk(
  bytes: Uint8Array,
  nowMs: number,
): { readonly ok: true; readonly chunk: SealedChunk } | { readonly ok: false; readonly problem: string } {
  const parsed = parseSealedChunk(bytes);
  if (!parsed.ok) return parsed;
  const { startMs, endMs } = parsed.value;
  if (endMs - startMs > MAX_LENGTH_MS) return { ok: false, problem: 'it covers more than an hour' };
  if (endMs > nowMs + MAX_AHEAD_MS)
    return {
      ok: false,
      problem: `it ends ${Math.round((endMs - nowMs) / 1000)} s in the future: set the clock of the node`,
    };
  if (startMs < nowMs - PARTITION_PLANS.metric_rollup.keepDays * DAY_MS)
    return { ok: false, problem: 'it is older than anything that is kept' };
  return { ok: true, chunk: parsed.value };
}

const isEqual = (a: Rollup, b: Rollup | undefined): boolean =>
  b !== undefined &&
  a.count === b.count &&
  (a.count === 0 || (a.min === b.min && a.mean === b.mean && a.max === b.max));

/** What is wrong with one family; undefined when samples and rollups fit the list, the ticks and each other. */
function faultOf(
  part: ChunkFamily,
  chunk: SealedChunk,
  list: SeriesList,
  inflate: Pick<Deflate, 'inflate'>,
): string | undefined {
  const block = decodeFamilyBlock(part.block, inflate);
  if (!block.ok) return block.problem;
  const rollups = decodeRollups(part.rollup);
  if (!rollups.ok) return rollups.problem;
  const { family, offsetsMs, columns } = block.value;
  if (family !== part.family || rollups.value.family !== part.family)
    return `family ${part.family} holds another family`;
  if (columns.length !== list.byFamily[family].length)
    return `family ${family} has ${columns.length} series; its list has ${list.byFamily[family].length}`;
  if (offsetsMs.length !== chunk.ticks || chunk.startMs + (offsetsMs.at(-1) ?? 0) !== chunk.endMs)
    return `family ${family} has other ticks than its chunk`;
  if (
    rollups.value.rollups.length !== columns.length ||
    !columns.every((column, i) => isEqual(rollUp(column), rollups.value.rollups[i]))
  ) {
    return `the rollups of family ${family} are not those of its samples`;
  }
  return undefined;
}

/** Believes nothing of a chunk: every block is decoded and every rollup computed again before anything is stored. */
export function admitChunk(
  nodeId: string,
  chunk: SealedChunk,
  list: SeriesList,
  nowMs: number,
  inflate: Pick<Deflate, 'inflate'>,
): Intake {
  const blocks: Partial<Record<Family, Uint8Array>> = {};
  const rollups: Partial<Record<Family, Uint8Array>> = {};
  for (const part of chunk.families) {
    const problem = faultOf(part, chunk, list, inflate);
    if (problem !== undefined) return { ok: false, problem };
    blocks[part.family] = part.block;
    rollups[part.family] = part.rollup;
  }
  const isRawKept = chunk.startMs >= nowMs - PARTITION_PLANS.metric_chunk.keepDays * DAY_MS;
  const { boot, seq, startMs, endMs, ticks } = chunk;
  const raw: Blocks | undefined = isRawKept ? blocks : undefined;
  return {
    ok: true,
    record: { nodeId, boot, seq, list: list.version, startMs, endMs, ticks, receivedAt: nowMs, blocks: raw, rollups },
  };
}
