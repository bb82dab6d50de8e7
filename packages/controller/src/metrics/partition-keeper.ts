import type { Log } from '../runtime/index.ts';
import {
  fromDayOf,
  isOutlived,
  PARTITION_PLANS,
  partitionOf,
  partitionsAhead,
  type Partition,
  type PartitionPlan,
} from './metric-partitions.ts';
import type { MetricsRepository } from './metrics.repository.ts';

/** Makes partitions before they are needed and drops them when they have been kept long enough. */
export interface PartitionKeeper {
  /** Days to come, and outlived ones. Repeat at least once a day. */
  maintain(today: number): Promise<void>;
  /** Partitions for a day that is past: chunks may come late. */
  ensure(day: number, tables: readonly PartitionPlan['table'][]): Promise<void>;
}

export function createPartitionKeeper(repository: MetricsRepository, log: Log): PartitionKeeper {
  const made = new Set<string>();

  const make = async (partition: Partition): Promise<void> => {
    if (made.has(partition.name)) return;
    await repository.makePartition(partition);
    made.add(partition.name);
  };

  const dropOutlived = async (plan: PartitionPlan, today: number): Promise<void> => {
    for (const name of await repository.partitions(plan.table)) {
      const fromDay = fromDayOf(plan, name);
      if (fromDay === undefined || !isOutlived(plan, fromDay + plan.spanDays, today)) continue;
      await repository.dropPartition(plan, name);
      made.delete(name);
      log.info({ partition: name }, 'a partition of metrics was dropped: it was kept long enough');
    }
  };

  return {
    maintain: async (today) => {
      for (const plan of Object.values(PARTITION_PLANS)) {
        for (const partition of partitionsAhead(plan, today)) await make(partition);
        await dropOutlived(plan, today);
      }
    },
    ensure: async (day, tables) => {
      for (const table of tables) await make(partitionOf(PARTITION_PLANS[table], day));
    },
  };
}
