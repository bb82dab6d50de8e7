/**
 * PHP switches under load: accounts of a node go back and forth between versions, and now and then to other limits, while
 * clients in front of the node keep asking them and their neighbours. Every answer is judged.
 */
import { performance } from 'node:perf_hooks';
import { startApache } from '../apache.ts';
import { createDisposableNode } from '../disposable-node.ts';
import { createChoice, createHostingSites, mustOrder, type HostingSite } from './hosting-sites.ts';
import type { NodeFacts } from './order-runner.ts';
import { startOrderNode, type OrderNode } from './order-node.ts';
import { startSiteLoad, type LoadReport, type SiteLoad } from './site-load.ts';

export interface SwitchPlan {
  readonly switches: number;
  readonly seed: number;
  /** Told after so many switches, and at the end. */
  readonly batch: number;
  readonly clients: number;
  readonly periodMs: number;
}

/** One batch. */
export interface SwitchBatch {
  readonly switches: number;
  readonly tookMs: readonly number[];
  readonly load: LoadReport;
  readonly facts: NodeFacts;
  readonly elapsedMs: number;
}

const VERSIONS = ['7.4', '8.2', '8.4'] as const;
const SWITCHING = 4;
const NEIGHBOURS = 2;
/** Without a switch, before the first batch: what an answer costs on this machine. */
const STILL_MS = 2000;

/** One switch, or one change of limits in ten. */
async function change(
  orders: OrderNode,
  load: SiteLoad,
  site: HostingSite,
  choose: (below: number) => number,
): Promise<number> {
  if (choose(10) === 0)
    // With few processes requests have to wait for one, at the next switch too.
    return mustOrder(orders, 'php.set-limits', {
      account: site.account,
      memoryMiB: 64 + choose(1000),
      children: 1 + choose(4),
    });
  const others = VERSIONS.filter((version) => version !== site.version);
  const to = others[choose(others.length)] ?? '8.2';
  load.allow(site.domain, [site.version, to]);
  const tookMs = await mustOrder(orders, 'php.switch-version', { account: site.account, version: to });
  site.version = to;
  load.allow(site.domain, [to]);
  return tookMs;
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function switchAll(
  plan: SwitchPlan,
  {
    orders,
    load,
    sites,
  }: { readonly orders: OrderNode; readonly load: SiteLoad; readonly sites: readonly HostingSite[] },
  tell: (batch: SwitchBatch) => void,
): Promise<void> {
  const choose = createChoice(plan.seed);
  await later(STILL_MS);
  load.phase('switching');
  for (let done = 0; done < plan.switches; done += plan.batch) {
    const startedMs = performance.now();
    const tookMs: number[] = [];
    for (let index = done; index < Math.min(done + plan.batch, plan.switches); index += 1) {
      const site = sites[choose(SWITCHING)];
      if (site !== undefined) tookMs.push(await change(orders, load, site, choose));
    }
    const elapsedMs = performance.now() - startedMs;
    tell({ switches: tookMs.length, tookMs, load: await load.report(), facts: await orders.facts(), elapsedMs });
  }
}

export async function runSwitches(plan: SwitchPlan, tell: (batch: SwitchBatch) => void): Promise<void> {
  const node = await createDisposableNode({ name: 'switches', phpRoots: ['8.4', '7.4'], peer: true, sizeMiB: 4096 });
  try {
    await startApache(node);
    const orders = await startOrderNode(node);
    const sites = await createHostingSites(node, orders, SWITCHING + NEIGHBOURS);
    if (node.peer === null || node.address === null) throw new Error('the node has no client in front of it');
    const load = await startSiteLoad(node.peer, { ...plan, address: node.address, sites });
    await switchAll(plan, { orders, load, sites }, tell);
    await load.stop();
    await orders.end();
  } finally {
    await node.destroy();
  }
}
