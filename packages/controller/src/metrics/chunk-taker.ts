import type { Deflate } from '@hauban/shared/metrics';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { admitChunk, openChunk } from './chunk-intake.ts';
import type { ListBook } from './list-book.ts';
import { dayOf } from './metric-partitions.ts';
import type { MetricsRepository } from './metrics.repository.ts';
import type { PartitionKeeper } from './partition-keeper.ts';

export interface ChunkTakerParts {
  readonly repository: MetricsRepository;
  readonly lists: ListBook;
  readonly partitions: PartitionKeeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly inflate: Deflate['inflate'];
}

/** Takes one chunk of a node: the key to acknowledge once it is durable, or null when it is not believed. */
export type ChunkTaker = (
  nodeId: string,
  bytes: Uint8Array,
) => Promise<{ readonly boot: string; readonly seq: number } | null>;

export function createChunkTaker(parts: ChunkTakerParts): ChunkTaker {
  const refuse = (nodeId: string, problem: string): null => {
    parts.log.warn({ nodeId, problem }, 'a chunk of metrics was refused');
    return null;
  };
  return async (nodeId, bytes) => {
    const nowMs = parts.clock.nowMs();
    const opened = openChunk(bytes, nowMs);
    if (!opened.ok) return refuse(nodeId, opened.problem);
    const { boot, seq, listVersion, startMs } = opened.chunk;
    const list = await parts.lists.find(nodeId, listVersion);
    if (list === undefined) return refuse(nodeId, `its list of series ${listVersion} was never declared`);
    const admitted = admitChunk(nodeId, opened.chunk, list, nowMs, parts);
    if (!admitted.ok) return refuse(nodeId, admitted.problem);
    const { record } = admitted;
    await parts.partitions.ensure(dayOf(startMs), [
      'metric_rollup',
      'metric_hour',
      ...(record.blocks === undefined ? [] : ['metric_chunk' as const]),
    ]);
    await parts.repository.saveChunk(record);
    return { boot, seq };
  };
}
