import { fetchPage } from '../actions/hosting-node.ts';
import type { LabNode } from '../apache.ts';
import { waitUntil } from '../program.ts';
import type { OrderNode } from './order-node.ts';

/** Accounts whose page says which PHP answered, as whom, and what was sent. */
export interface HostingSite {
  readonly account: string;
  readonly uid: number;
  readonly domain: string;
  version: string;
}

const PAGE = `<?php
$sent = file_get_contents('php://input');
usleep(mt_rand(0, 20000));
header('Content-Type: application/json');
echo json_encode(array('version' => PHP_VERSION, 'uid' => posix_geteuid(), 'digest' => md5($sent)));
`;
const EMPTY_DIGEST = 'd41d8cd98f00b204e9800998ecf8427e';

const siteAt = (index: number): HostingSite => ({
  account: `w4a1000${10 + index}`,
  uid: 100_010 + index,
  domain: `s${index}.example.net`,
  version: '8.2',
});

/** An order that has to succeed; how long it took. */
export async function mustOrder(
  orders: OrderNode,
  action: string,
  args: Readonly<Record<string, unknown>>,
): Promise<number> {
  const done = await orders.order(action, args);
  if (done.outcome !== 'succeeded' && done.outcome !== 'unchanged')
    throw new Error(`${action} ${JSON.stringify(args)}: ${done.outcome} ${done.code ?? ''} ${done.detail}`);
  return done.tookMs;
}

/** Each with a page of PHP at `/` and a plain file at `/static.json`. */
export async function createHostingSites(
  node: LabNode,
  orders: OrderNode,
  count: number,
): Promise<readonly HostingSite[]> {
  const sites = Array.from({ length: count }, (_, index) => siteAt(index));
  for (const { account, uid, domain, version } of sites) {
    await mustOrder(orders, 'account.create', { name: account, uid, domain, phpVersion: version });
    const www = `/srv/vol1/${account}/var/www`;
    await node.writeFile(`${www}/index.php`, PAGE);
    await node.writeFile(`${www}/static.json`, JSON.stringify({ version, uid, digest: EMPTY_DIGEST }));
  }
  // PHP keeps the first page of an account for two seconds.
  for (const { domain } of sites)
    await waitUntil(`the page of ${domain}`, async () => (await fetchPage(node, domain)).body.startsWith('{'));
  return sites;
}

/** Small, seeded and good enough to choose by (Park and Miller). */
export function createChoice(seed: number): (below: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * below);
  };
}
