import type { Clock } from '@hauban/shared/time';
import type { Deflate, SeriesList } from '@hauban/shared/metrics';
import { createCollectors } from '../collectors/index.ts';
import {
  createFailedUnitsQuery,
  createProcessWalk,
  openProcFiles,
  readFileSystemUsage,
  SYSTEM_BUS_PATH,
} from '../proc/index.ts';
import type { WindowStore } from './open-window.ts';
import { createSampling, type Sampling, type TickCost } from './sampling.ts';

export interface SamplerDeps {
  readonly clock: Clock;
  /** Boot id of the kernel. */
  readonly boot: string;
  /** The spool; it is opened before and closed by nobody. */
  readonly spool: WindowStore & {
    depth(): { readonly chunks: number; readonly bytes: number; readonly dropped: number };
  };
  readonly deflate: Deflate;
  /** Root of /proc and /sys; default '/'. */
  readonly root?: string;
  /** User id of this process, for the message bus. */
  readonly uid: number;
  /** Clock of this node less clock of the controller; NaN while unknown. */
  clockOffsetMs(): number;
  /** CPU time of this process so far, in µs, and its memory. */
  cpuUs(): number;
  rssBytes(): number;
  onSeriesList(list: SeriesList): void;
  onLiveFrame(bytes: Uint8Array): void;
  onProblem(detail: string, cause?: unknown): void;
}

export interface Sampler extends Sampling {
  /** Stops and closes what was opened. */
  stop(): Promise<void>;
}

/** The sampler of a real machine: all collectors on /proc and /sys. */
export function createSampler(deps: SamplerDeps): Sampler {
  const root = deps.root ?? '/';
  const files = openProcFiles(root);
  const cost: TickCost = { lateMs: 0, cpuMs: 0 };
  const collectors = createCollectors({
    files,
    processes: createProcessWalk(root),
    readUsage: readFileSystemUsage,
    queryFailedUnits: createFailedUnitsQuery(SYSTEM_BUS_PATH, deps.uid, deps.clock),
    self: {
      clockOffsetMs: () => deps.clockOffsetMs(),
      cpuUs: () => deps.cpuUs(),
      rssBytes: () => deps.rssBytes(),
      tickLateMs: () => cost.lateMs,
      tickCpuMs: () => cost.cpuMs,
      spool: () => deps.spool.depth(),
    },
  });
  const sampling = createSampling(
    {
      clock: deps.clock,
      boot: deps.boot,
      store: deps.spool,
      deflate: deps.deflate,
      collectors,
      beginTick: () => files.beginTick(),
      retryMissing: () => files.retryMissing(),
      cpuUs: () => deps.cpuUs(),
      onSeriesList: (list) => deps.onSeriesList(list),
      onLiveFrame: (bytes) => deps.onLiveFrame(bytes),
      onProblem: (detail, cause) => deps.onProblem(detail, cause),
    },
    cost,
  );
  return {
    ...sampling,
    stop: async () => {
      await sampling.stop();
      files.close();
    },
  };
}
