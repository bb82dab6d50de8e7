/**
 * PHP switches under load: accounts of a node go back and forth between versions, and now and then to other limits, while
 * clients in front of the node keep asking them and their neighbours. Every answer is judged.
 */
import { performance } from 'node:perf_hooks';
import { fetchPage } from '../actions/hosting-node.ts';
import { startApache } from '../apache.ts';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
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

const PAGE = `<?php
$sent = file_get_contents('php://input');
usleep(mt_rand(0, 20000));
header('Content-Type: application/json');
echo json_encode(array('version' => PHP_VERSION, 'uid' => posix_geteuid(), 'digest' => md5($sent)));
`;

interface Site {
  readonly account: string;
  readonly uid: number;
  readonly domain: string;
  version: string;
}

const siteAt = (index: number): Site => ({
  account: `w4a1000${10 + index}`,
  uid: 100_010 + index,
  domain: `s${index}.example.net`,
  version: '8.2',
});

/** Small, seeded and good enough to choose by (Park and Miller). */
function createChoice(seed: number): (below: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

async function must(orders: OrderNode, action: string, args: Readonly<Record<string, unknown>>): Promise<number> {
  const done = await orders.order(action, args);
  if (done.outcome !== 'succeeded' && done.outcome !== 'unchanged')
    throw new Error(`${action} ${JSON.stringify(args)}: ${done.outcome} ${done.code ?? ''} ${done.detail}`);
  return done.tookMs;
}

async function createSites(node: DisposableNode, orders: OrderNode): Promise<readonly Site[]> {
  const sites = Array.from({ length: SWITCHING + NEIGHBOURS }, (_, index) => siteAt(index));
  for (const { account, uid, domain, version } of sites) {
    await must(orders, 'account.create', { name: account, uid, domain, phpVersion: version });
    await node.writeFile(`/srv/vol1/${account}/var/www/index.php`, PAGE);
  }
  // PHP keeps the first page of an account for two seconds.
  for (const { domain } of sites)
    await waitUntil(`the page of ${domain}`, async () => (await fetchPage(node, domain)).body.startsWith('{'));
  return sites;
}

/** One switch, or one change of limits in ten. */
async function change(
  orders: OrderNode,
  load: SiteLoad,
  site: Site,
  choose: (below: number) => number,
): Promise<number> {
  if (choose(10) === 0)
    // With few processes requests have to wait for one, at the next switch too.
    return must(orders, 'php.set-limits', {
      account: site.account,
      memoryMiB: 64 + choose(1000),
      children: 1 + choose(4),
    });
  const others = VERSIONS.filter((version) => version !== site.version);
  const to = others[choose(others.length)] ?? '8.2';
  load.allow(site.domain, [site.version, to]);
  const tookMs = await must(orders, 'php.switch-version', { account: site.account, version: to });
  site.version = to;
  load.allow(site.domain, [to]);
  return tookMs;
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function switchAll(
  plan: SwitchPlan,
  { orders, load, sites }: { readonly orders: OrderNode; readonly load: SiteLoad; readonly sites: readonly Site[] },
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
    const sites = await createSites(node, orders);
    if (node.peer === null || node.address === null) throw new Error('the node has no client in front of it');
    const load = await startSiteLoad(node.peer, { ...plan, address: node.address, sites });
    await switchAll(plan, { orders, load, sites }, tell);
    await load.stop();
    await orders.end();
  } finally {
    await node.destroy();
  }
}
