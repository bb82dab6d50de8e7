/**
 * Collectors: each reads one thing of the machine into numbers, at every tick or at its declared slower pace. They read
 * through `proc/`, start no program, keep no rates and know nothing of frames, chunks or the link. To add one: its
 * file, its line below, its rows in the catalogue of `@hauban/shared/metrics`, a folder in `testcases/`.
 */
import type { FailedUnitsQuery, ProcessWalk, ProcFiles } from '../proc/index.ts';
import { createAgent, type AgentSelf } from './agent.ts';
import type { Collector } from './collector.ts';
import { createCpu } from './cpu.ts';
import { createDisks } from './disks.ts';
import { createFailedUnits } from './failed-units.ts';
import { createFileSystems, type ReadUsage } from './file-systems.ts';
import { createKernel } from './kernel.ts';
import { createLoad } from './load.ts';
import { createMemory } from './memory.ts';
import { createNetwork } from './network.ts';
import { createPaging } from './paging.ts';
import { createPressure } from './pressure.ts';
import { createProcessCounts } from './process-counts.ts';
import { createProcessStates } from './process-states.ts';
import { createTcpStates } from './tcp-states.ts';
import { createTcp } from './tcp.ts';

export type { AgentSelf } from './agent.ts';
export { rawWidth, type Collector, type Derivation, type RawSeries } from './collector.ts';

/** What the collectors read from; the caller owns and closes it. */
export interface CollectorSources {
  readonly files: ProcFiles;
  readonly processes: ProcessWalk;
  readonly readUsage: ReadUsage;
  readonly queryFailedUnits: FailedUnitsQuery;
  readonly self: AgentSelf;
}

/** All collectors, in the order in which they run and in which their series are declared. */
export function createCollectors(sources: CollectorSources): readonly Collector[] {
  const { files } = sources;
  return [
    createCpu(files),
    createMemory(files),
    createPaging(files),
    createDisks(files),
    createNetwork(files),
    createTcp(files),
    createTcpStates(files),
    createPressure(files),
    createFileSystems(files, sources.readUsage),
    createProcessCounts(files),
    createProcessStates(sources.processes),
    createLoad(files),
    createKernel(files),
    createFailedUnits(sources.queryFailedUnits),
    createAgent(sources.self),
  ];
}
