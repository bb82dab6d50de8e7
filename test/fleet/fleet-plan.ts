import { SeededRandom } from '@hauban/shared/testing';

/** What happens at a moment of a run: when that part of its nodes has been changed. */
export type Blow =
  | { readonly at: number; readonly kind: 'controller' | 'database' }
  | { readonly at: number; readonly kind: 'nodes'; readonly host: number }
  /** Nodes of each process whose links are cut, by their place in its list. */
  | { readonly at: number; readonly kind: 'links'; readonly nodes: readonly number[] };

export type RunName = 'measured' | 'at once' | 'waves' | 'threshold';

export interface PlannedRun {
  readonly name: RunName;
  /** What it bans. */
  readonly address: string;
  /** Nodes on which that goes wrong. */
  readonly failing: readonly string[];
  readonly blows: readonly Blow[];
}

export interface FleetPlan {
  readonly seed: number;
  /** Host names of the nodes of each process. */
  readonly hosts: readonly (readonly string[])[];
  readonly runs: readonly PlannedRun[];
}

/** How often each part is killed in each run, and how often links are cut. */
export interface Blows {
  readonly controller: number;
  readonly database: number;
  readonly nodes: number;
  readonly links: number;
}

/** Of this many in a hundred nodes the link is cut at once. */
const CUT_PERCENT = 30;
/** Of this many in a hundred nodes the ban goes wrong, in the run that is to be stopped. */
const FAILING_PERCENT = 20;
/** Nothing is hit when it is all but over: the moment might never come. */
const LAST_MOMENT = 0.85;

/** One of them in each equal part of the run, at a random moment of it. */
function momentsOf(count: number, random: SeededRandom): number[] {
  return Array.from({ length: count }, (_unused, at) => ((at + random.unit()) / count) * LAST_MOMENT);
}

function planBlows(blows: Blows, hosts: FleetPlan['hosts'], random: SeededRandom): Blow[] {
  const some = (names: readonly string[]): number[] =>
    [...names.keys()].filter(() => random.unit() * 100 < CUT_PERCENT);
  return [
    ...momentsOf(blows.controller, random).map((at): Blow => ({ at, kind: 'controller' })),
    ...momentsOf(blows.database, random).map((at): Blow => ({ at, kind: 'database' })),
    ...momentsOf(blows.nodes, random).map((at): Blow => ({ at, kind: 'nodes', host: random.below(hosts.length) })),
    ...momentsOf(blows.links, random).map((at): Blow => ({ at, kind: 'links', nodes: some(hosts[0] ?? []) })),
  ].sort((a, b) => a.at - b.at);
}

/** The same seed and sizes are the same plan. */
export function planFleet(
  seed: number,
  size: { readonly nodes: number; readonly nodesPerHost: number; readonly blows: Blows },
): FleetPlan {
  const random = new SeededRandom(seed);
  const { blows } = size;
  // A start costs seconds: where there is one kill of each, not every run has all of them.
  const fewer = (count: number): number => Math.max(0, count - 1);
  const names = Array.from({ length: size.nodes }, (_unused, at) => `sim${String(at).padStart(5, '0')}`);
  const hosts: string[][] = [];
  for (let at = 0; at < names.length; at += size.nodesPerHost) hosts.push(names.slice(at, at + size.nodesPerHost));
  const failing = names.filter(() => random.unit() * 100 < FAILING_PERCENT);
  const none: readonly string[] = [];
  const run = (name: RunName, number: number, fails: readonly string[], blows: readonly Blow[]): PlannedRun => ({
    ...{ name, blows, failing: fails },
    address: `198.18.0.${number}`,
  });
  return {
    seed,
    hosts,
    runs: [
      run('measured', 1, none, []),
      run('at once', 2, none, planBlows(blows, hosts, random)),
      run('waves', 3, none, planBlows({ ...blows, database: fewer(blows.database) }, hosts, random)),
      // It ends early: its blows come early.
      run(
        'threshold',
        4,
        failing,
        planBlows({ ...blows, controller: fewer(blows.controller) }, hosts, random).map((blow) => ({
          ...blow,
          at: blow.at * (FAILING_PERCENT / 100),
        })),
      ),
    ],
  };
}
