import { createLiveEncoder, type LiveEncoder, type SeriesList } from '@hauban/shared/metrics';
import type { Clock } from '@hauban/shared/time';
import type { Collector } from '../collectors/index.ts';
import { createLane, type Lane } from './lane.ts';
import { sealRecovered, type WindowDeps } from './open-window.ts';
import { declareReadings, type RawReadings } from './raw-readings.ts';
import { createReader } from './reader.ts';
import { createTickSchedule, type Tick } from './tick-schedule.ts';
import { createWindowKeeper } from './window-keeper.ts';

/** Stored ticks fall on multiples of this; so do live ones while nobody watches. */
export const STORED_PERIOD_MS = 10_000;
/** Live ticks while somebody watches. */
export const WATCHED_PERIOD_MS = 1000;
/** Looking for new devices and missing files again, in stored ticks: at most one new list a minute. */
const RESCAN_TICKS = 6;
export interface SamplingDeps extends WindowDeps {
  readonly clock: Clock;
  readonly collectors: readonly Collector[];
  /** Called at the start of a tick, before any collector. */
  beginTick(): void;
  /** Called once a minute: what was missing may be there now. */
  retryMissing(): void;
  /** CPU time of this process so far, in µs. */
  cpuUs(): number;
  /** The list of the frames that follow; before the first frame, and whenever it changes. */
  onSeriesList(list: SeriesList): void;
  /** A live frame; the bytes belong to the listener. */
  onLiveFrame(bytes: Uint8Array): void;
}

/** What the last tick cost; the collector `agent` reports it. */
export interface TickCost {
  lateMs: number;
  cpuMs: number;
}

export interface Sampling {
  start(): Promise<void>;
  /** Seals the open window and waits until it is durable. */
  stop(): Promise<void>;
  /** Live ticks every second or every 10 s. Stored ticks stay at 10 s. */
  setPeriod(periodMs: typeof STORED_PERIOD_MS | typeof WATCHED_PERIOD_MS): void;
  /** The next live frame will be a key frame: call for each new connection, and when a frame was not sent. */
  forceKeyFrame(): void;
  seriesList(): SeriesList;
}

/** Everything that is replaced as a whole when the list of series changes. */
interface Declaration {
  readonly readings: RawReadings;
  readonly live: Lane;
  readonly stored: Lane;
  readonly encoder: LiveEncoder;
}

export function createSampling(deps: SamplingDeps, cost: TickCost): Sampling {
  const reader = createReader(deps);
  const windows = createWindowKeeper(deps);
  let declared = declare(deps.collectors);
  let keepingList: Promise<void> = Promise.resolve();
  let storedTicks = 0;
  /** Which 10 s the last stored tick fell into: each gets one, the first tick that falls into it. */
  let slot = 0;

  const announce = (): void => {
    const { list } = declared.readings;
    keepingList = deps.store
      .keepSeriesList(list)
      .catch((error: unknown) =>
        deps.onProblem('the list of series can not be kept: after a restart its chunks can not be read', error),
      );
    deps.onSeriesList(list);
  };

  /** New devices begin a new list, and with it a new chunk. */
  const rescan = (): void => {
    deps.retryMissing();
    if (!deps.collectors.some((collector) => collector.isStale?.() === true)) return;
    const next = declare(deps.collectors, declared);
    const isSame = next.readings.list.version === declared.readings.list.version;
    declared = isSame ? { ...next, encoder: declared.encoder } : next;
    if (isSame) return;
    windows.seal();
    announce();
  };

  const storedTick = (timeMs: number): void => {
    declared.stored.derive();
    windows.store(declared.readings.list, timeMs, declared.stored.scaled);
    storedTicks += 1;
    if (storedTicks % RESCAN_TICKS === 0) rescan();
  };

  const tick = ({ timeMs, lateMs }: Tick): void => {
    const startUs = deps.cpuUs();
    const isStored = Math.floor(timeMs / STORED_PERIOD_MS) !== slot;
    cost.lateMs = lateMs;
    deps.beginTick();
    if (isStored) reader.readStored(declared.readings);
    else reader.readLive(declared.readings);
    declared.live.derive();
    deps.onLiveFrame(declared.encoder.encode(timeMs, declared.live.scaled));
    slot = Math.floor(timeMs / STORED_PERIOD_MS);
    if (isStored) storedTick(timeMs);
    cost.cpuMs = (deps.cpuUs() - startUs) / 1000;
  };
  const schedule = createTickSchedule(deps.clock, tick);

  return {
    start: async () => {
      await sealRecovered(deps);
      announce();
      // A first reading that nobody sees, so that the first tick has rates.
      deps.beginTick();
      reader.readAll(declared.readings);
      declared.live.derive();
      declared.stored.derive();
      slot = Math.floor(deps.clock.nowMs() / STORED_PERIOD_MS);
      schedule.setPeriod(STORED_PERIOD_MS);
    },
    stop: async () => {
      schedule.stop();
      windows.seal();
      await windows.settled();
      await keepingList;
    },
    setPeriod: (periodMs) => schedule.setPeriod(periodMs),
    forceKeyFrame: () => declared.encoder.forceKey(),
    seriesList: () => declared.readings.list,
  };
}

function declare(collectors: readonly Collector[], before?: Declaration): Declaration {
  const readings = declareReadings(collectors);
  return {
    readings,
    live: createLane(readings, before?.live),
    stored: createLane(readings, before?.stored),
    encoder: createLiveEncoder(readings.list, 'live'),
  };
}
