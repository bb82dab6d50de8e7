import type { HistoryProblem } from './check-history.ts';
import type { RunName } from './fleet-plan.ts';
import type { FanOut } from './measure-process.ts';

export interface RunReport {
  readonly name: RunName;
  readonly state: string;
  /** How its nodes ended, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** From the request to the last outcome in the database. */
  readonly tookMs: number;
  /** What hit it. */
  readonly blows: Readonly<Record<string, number>>;
}

/** What the controller's side used; idle is a while with every link up and nothing to do. */
export interface UseReport {
  readonly idleMs: number;
  readonly idleCpuMs: number;
  readonly runCpuMs: number;
  /** Without nodes, with every link up, and the most that was seen in the run. */
  readonly rssBytes: { readonly alone: number; readonly idle: number; readonly run: number };
  /** Of the others in the run; the nodes are on machines of their own in a real fleet. */
  readonly signerRunCpuMs: number;
  readonly databaseRunCpuMs: number;
  readonly nodesRunCpuMs: number;
}

/** The run without kills. */
export interface MeasuredRun {
  /** From the request to the last node that knows that its receipt is stored. */
  readonly allAckedMs: number;
  /** From the request to the node's own start of its order. */
  readonly startP50Ms: number;
  readonly startP99Ms: number;
  readonly orderBytes: number;
  readonly receiptBytes: number;
  readonly use: UseReport;
}

export interface FleetReport {
  readonly seed: number;
  readonly nodes: number;
  readonly enrolledMs: number;
  readonly measured: MeasuredRun;
  readonly bare: FanOut;
  readonly runs: readonly RunReport[];
  readonly auditRows: number;
  readonly problems: readonly HistoryProblem[];
  readonly tookMs: number;
}

/** Measured on this kind of machine: ad-hoc `command`, 50 forks, real ssh, warm connections. */
const ANSIBLE = { nodes: 100, ms: 20_000 } as const;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

function linesOfUse({ use }: MeasuredRun, nodes: number): string[] {
  const { idleMs, idleCpuMs, runCpuMs, rssBytes, signerRunCpuMs, databaseRunCpuMs, nodesRunCpuMs } = use;
  const perNode = (ms: number): string => `${(ms / nodes).toFixed(2)} ms`;
  const kib = (bytes: number): string => `${(bytes / nodes / 1024).toFixed(1)} KiB`;
  const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
  return [
    `controller idle: ${((idleCpuMs / idleMs) * 100).toFixed(2)} % of a core, ${((idleCpuMs / idleMs / nodes) * 1e6).toFixed(1)} µs of CPU a node and second`,
    `CPU in the run, a node: controller ${perNode(runCpuMs)}, signer ${perNode(signerRunCpuMs)}, database ${perNode(databaseRunCpuMs)}, the node itself ${perNode(nodesRunCpuMs)}`,
    `controller memory: ${mib(rssBytes.alone)} alone, ${mib(rssBytes.idle)} with every link (${kib(rssBytes.idle - rssBytes.alone)} a node), ${mib(rssBytes.run)} in the run (${kib(rssBytes.run - rssBytes.alone)} a node)`,
  ];
}

/** For a person. */
export function fleetTable(report: FleetReport): string {
  const { nodes, measured, bare } = report;
  const ratio = (value: number, floor: number): string => `${(value / Math.max(floor, 1)).toFixed(1)} x the floor`;
  return [
    `${nodes} simulated nodes, seed ${report.seed}, ${seconds(report.tookMs)} in all; enrolled in ${seconds(report.enrolledMs)}`,
    `all acknowledged: ${seconds(measured.allAckedMs)} after the request (bare ws ${seconds(bare.allMs)}, ${ratio(measured.allAckedMs, bare.allMs)})`,
    `from the request to the start on the node: p50 ${seconds(measured.startP50Ms)} (bare ${seconds(bare.p50Ms)}, ${ratio(measured.startP50Ms, bare.p50Ms)}), p99 ${seconds(measured.startP99Ms)} (bare ${seconds(bare.p99Ms)}, ${ratio(measured.startP99Ms, bare.p99Ms)})`,
    `an order has ${measured.orderBytes} bytes, a receipt ${measured.receiptBytes}; each is signed, stored and checked, and the bare floor does none of it`,
    `peer: ansible, ${ANSIBLE.nodes} nodes in ${seconds(ANSIBLE.ms)} (${ANSIBLE.ms / ANSIBLE.nodes} ms a node; here ${(measured.allAckedMs / nodes).toFixed(1)} ms)`,
    ...linesOfUse(measured, nodes),
    ...report.runs.map(
      ({ name, state, outcomes, tookMs, blows }) =>
        `run ${name}: ${state} after ${seconds(tookMs)}: ${counts(outcomes)}${Object.keys(blows).length === 0 ? '' : `; killed or cut: ${counts(blows)}`}`,
    ),
    `audit chain: ${report.auditRows} rows; history: ${report.problems.length === 0 ? 'nothing wrong' : `${report.problems.length} problems`}`,
  ].join('\n');
}
