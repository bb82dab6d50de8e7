import type { Clock, Timer } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { joinHour } from './join-hour.ts';
import { RING_MS } from './live-ring.ts';
import { HOUR_MS } from './metric-blocks.ts';
import { dayOf } from './metric-partitions.ts';
import type { MetricsRepository } from './metrics.repository.ts';
import type { PartitionKeeper } from './partition-keeper.ts';

export interface UpkeepParts {
  readonly repository: MetricsRepository;
  readonly partitions: PartitionKeeper;
  readonly clock: Clock;
  readonly log: Log;
  /** Forgets rings of nodes that have sent nothing since then. */
  forgetIdle(idleSinceMs: number): void;
}

export interface MetricsUpkeep {
  /** Makes the partitions of today and keeps house every few minutes from then on. Await it before the gateway takes links. */
  start(): Promise<void>;
  /** Resolves when a round that is under way has ended. */
  stop(): Promise<void>;
  /** One round: partitions, hours that are due, idle rings. Returns the number of hours joined. */
  upkeep(): Promise<number>;
}

const PERIOD_MS = 5 * 60_000;
/** An hour is joined when its last chunks have had this long to come; later ones make it due again. */
const GRACE_MS = 6 * 60_000;
/** Hours in one transaction: chunks of these nodes wait for it. */
const HOURS_AT_ONCE = 20;
/** Rounds of that in one upkeep, so that it ends. */
const MAX_ROUNDS = 1000;

export function createMetricsUpkeep(parts: UpkeepParts): MetricsUpkeep {
  const { repository, partitions, clock, log } = parts;
  let timer: Timer | undefined;
  let last: Promise<number> = Promise.resolve(0);
  let under = 0;

  const round = async (): Promise<number> => {
    const nowMs = clock.nowMs();
    parts.forgetIdle(nowMs - RING_MS);
    await partitions.maintain(dayOf(nowMs));
    let joined = 0;
    for (let i = 0; i < MAX_ROUNDS; i += 1) {
      const count = await repository.joinDueHours(nowMs - GRACE_MS - HOUR_MS, HOURS_AT_ONCE, joinHour);
      joined += count;
      if (count < HOURS_AT_ONCE) break;
    }
    return joined;
  };

  /** One after the other; the clock adds none while one is under way, so that a slow database does not pile them up. */
  const upkeep = async (): Promise<number> => {
    under += 1;
    // A failed round has told its own caller; it must not stop those after it.
    last = last.catch(() => 0).then(round);
    try {
      return await last;
    } finally {
      under -= 1;
    }
  };

  return {
    start: async () => {
      await upkeep();
      timer = clock.every(PERIOD_MS, () => {
        if (under > 0) return;
        upkeep().catch((error: unknown) =>
          log.error({ err: error }, 'the upkeep of metrics failed; it is tried again in some minutes'),
        );
      });
    },
    stop: async () => {
      timer?.cancel();
      timer = undefined;
      await last.catch((error: unknown) => error);
    },
    upkeep,
  };
}
