import { runFleet } from '../fleet/index.ts';
import type { BenchRow } from './bench-row.ts';

const NODES = 500;

/** One action on every node of a fleet, signed, journalled and carried out, against a bare `ws` fan-out of the same bytes. */
export async function runFleetBench(): Promise<BenchRow[]> {
  const { measured, bare } = await runFleet({
    ...{
      home: process.cwd(),
      nodes: NODES,
      nodesPerHost: 125,
      seed: 1,
      enrolled: NODES,
      idleMs: 10_000,
      slowMs: 0,
      waits: 1,
    },
    blows: { controller: 0, database: 0, nodes: 0, links: 0 },
    runs: ['measured'],
    print: (line) => void process.stderr.write(`bench: fleet: ${line}\n`),
  });
  const row = (name: string, value: number, floor: number, note?: string): BenchRow => ({
    ...{ name, value, unit: 'ms', floor, ratio: value / floor },
    ...(note === undefined ? {} : { note }),
  });
  const { runCpuMs, signerRunCpuMs } = measured.use;
  const cpu = `CPU a node: controller ${(runCpuMs / NODES).toFixed(2)} ms, signer ${(signerRunCpuMs / NODES).toFixed(2)} ms`;
  return [
    row(`a ban on ${NODES} nodes, API to all acknowledged`, measured.allAckedMs, bare.allMs, cpu),
    row(`a ban on ${NODES} nodes, API to start, p50`, measured.startP50Ms, bare.p50Ms),
    row(`a ban on ${NODES} nodes, API to start, p99`, measured.startP99Ms, bare.p99Ms),
  ];
}
