import type { Database } from '../db/index.ts';
import { createMetricChunksRepository } from './metric-chunks.repository.ts';
import { createMetricHoursRepository } from './metric-hours.repository.ts';
import { createMetricListsRepository } from './metric-lists.repository.ts';
import { createMetricPartitionsRepository } from './metric-partitions.repository.ts';

/** All SQL of metrics: lists of series, chunks with their rollups, hours, partitions. */
export function createMetricsRepository(database: Database) {
  return {
    ...createMetricListsRepository(database),
    ...createMetricChunksRepository(database),
    ...createMetricHoursRepository(database),
    ...createMetricPartitionsRepository(database),
  };
}

export type MetricsRepository = ReturnType<typeof createMetricsRepository>;
