/** A table that is cut into partitions of whole days. */
export interface PartitionPlan {
  readonly table: 'metric_chunk' | 'metric_rollup' | 'metric_hour';
  /** Days in one partition. */
  readonly spanDays: number;
  /** Days after which a partition is dropped as a whole. */
  readonly keepDays: number;
}

/** Raw samples for two weeks, 5 minutes for three months, hours for ten years. */
export const PARTITION_PLANS = {
  metric_chunk: { table: 'metric_chunk', spanDays: 1, keepDays: 14 },
  metric_rollup: { table: 'metric_rollup', spanDays: 7, keepDays: 90 },
  metric_hour: { table: 'metric_hour', spanDays: 30, keepDays: 3653 },
} as const satisfies Record<string, PartitionPlan>;

/** Days ahead for which partitions are made: a maintenance that fails for two days loses nothing. */
const AHEAD_DAYS = 3;

export interface Partition {
  readonly table: PartitionPlan['table'];
  readonly name: string;
  /** Holds the days `fromDay` to `toDay - 1`. */
  readonly fromDay: number;
  readonly toDay: number;
}

const DAY_MS = 86_400_000;
/** Days since 1970-01-01 in UTC. */
export const dayOf = (timeMs: number): number => Math.floor(timeMs / DAY_MS);

/** The partition in which a day lies. */
export function partitionOf(plan: PartitionPlan, day: number): Partition {
  const fromDay = Math.floor(day / plan.spanDays) * plan.spanDays;
  return { table: plan.table, name: `${plan.table}_d${fromDay}`, fromDay, toDay: fromDay + plan.spanDays };
}

/** Partitions that should be there for the days to come. */
export function partitionsAhead(plan: PartitionPlan, today: number): Partition[] {
  const found = new Map<string, Partition>();
  for (let day = today; day <= today + AHEAD_DAYS; day += 1) {
    const partition = partitionOf(plan, day);
    found.set(partition.name, partition);
  }
  return [...found.values()];
}

/** True when everything in it is older than the table keeps. */
export const isOutlived = (plan: PartitionPlan, toDay: number, today: number): boolean =>
  toDay <= today - plan.keepDays;

/** First day of a partition by its name; undefined for a name that is not ours. */
export function fromDayOf(plan: PartitionPlan, name: string): number | undefined {
  const days = new RegExp(`^${plan.table}_d(\\d{1,6})$`).exec(name)?.[1];
  return days === undefined ? undefined : Number(days);
}
