/**
 * Broken candidate configurations of Apache, nginx and PHP-FPM: each is left on a node as a hand would leave it, then what
 * would load it is ordered. What an oracle, the real server on another node, breaks by has to be refused, while the
 * neighbours' sites answer.
 */
import { startApache, type LabNode } from '../apache.ts';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { makeApacheCandidate, TAKEN_PORT, TLS_FOLDER, type CandidateCase } from './broken-files.ts';
import { makeNginxCandidate, NGINX_PORT } from './broken-nginx.ts';
import { makePoolCandidate, poolFileOf } from './broken-pools.ts';
import { createApacheOracle, layFiles, type ConfigOracle, type Verdict } from './config-oracle.ts';
import type { Choose } from './mutate-lines.ts';
import { createNginxOracle, NGINX_SITES, NGINX_UID, startNginx } from './nginx-oracle.ts';
import { createChoice, createHostingSites, type HostingSite } from './hosting-sites.ts';
import type { OrderDone } from './order-runner.ts';
import { startOrderNode, type OrderNode } from './order-node.ts';
import { createPoolOracle } from './pool-oracle.ts';
import { startSiteLoad, type LoadReport, type SiteLoad } from './site-load.ts';

/** One candidate, what came of it there and here. */
export interface BrokenCase {
  readonly name: string;
  readonly server: CandidateCase['server'];
  readonly files: readonly (readonly [path: string, content: string | null])[];
  readonly verdict: Verdict;
  readonly done: OrderDone;
  /** The server is another process afterwards. */
  readonly isOtherMaster: boolean;
}

export interface BrokenPlan {
  /** So many that the oracle calls broken. */
  readonly broken: number;
  readonly seed: number;
}

const SITES = 3;
/** So many of them are asked for their page of PHP, the others for a plain file. */
const PHP_SITES = 2;
const CLIENTS = 3;
const PERIOD_MS = 8;

async function makeCertificates(node: LabNode): Promise<void> {
  const openssl = (...args: string[]): Promise<unknown> => node.mustRun('/usr/bin/openssl', args);
  await node.mustRun('/usr/bin/mkdir', ['-p', TLS_FOLDER]);
  for (const name of ['one', 'two'])
    await openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=x.example', '-keyout', `${TLS_FOLDER}/${name}.key`, '-out', `${TLS_FOLDER}/${name}.pem`],
    );
  const [certificate, key] = [`${TLS_FOLDER}/one.pem`, `${TLS_FOLDER}/one.key`];
  await openssl('ec', '-in', key, '-aes128', '-passout', 'pass:secret', '-out', `${TLS_FOLDER}/locked.key`);
  await node.writeFile(`${TLS_FOLDER}/half.pem`, (await node.readFile(certificate)).slice(0, 300));
  await node.writeFile(`${TLS_FOLDER}/empty.pem`, '');
}

interface Stand {
  readonly node: DisposableNode;
  readonly orders: OrderNode;
  readonly sites: readonly HostingSite[];
}

/** Both nodes are alike. */
async function stand(name: string): Promise<Stand> {
  const node = await createDisposableNode({ name, peer: true });
  try {
    await makeCertificates(node);
    await startApache(node);
    await startNginx(node);
    await node.spawn('/usr/bin/socat', [`TCP-LISTEN:${TAKEN_PORT},fork,reuseaddr`, 'EXEC:/usr/bin/cat']);
    const orders = await startOrderNode(node);
    return { node, orders, sites: await createHostingSites(node, orders, SITES) };
  } catch (error) {
    await node.destroy();
    throw error;
  }
}

/**
 * Phases of the load. Control: the oracle works on the other node, on this one there is no candidate. A good candidate is
 * loaded, so it has a phase of its own.
 */
export const CONTROL = 'control';
export const BROKEN = 'broken';
const GOOD = 'good';

interface Server {
  readonly action: string;
  readonly args: () => Readonly<Record<string, unknown>>;
  /** Null: a master that is replaced on purpose. */
  readonly pidFile: string | null;
}
type Servers = Readonly<Record<CandidateCase['server'], Server>>;

function createServers([site]: readonly HostingSite[]): Servers {
  let memoryMiB = 64;
  const limits = () => ({ account: site?.account ?? '', memoryMiB: (memoryMiB = 64 + ((memoryMiB + 1) % 512)) });
  return {
    apache: { action: 'apache.reload', args: () => ({}), pidFile: '/run/apache2/apache2.pid' },
    nginx: { action: 'nginx.reload', args: () => ({}), pidFile: '/run/nginx.pid' },
    php: { action: 'php.set-limits', args: limits, pidFile: null },
  };
}

async function pidIn({ node }: Stand, file: string | null): Promise<string | null> {
  if (file === null) return '';
  return (await node.exists(file)) ? node.readFile(file) : null;
}

async function tryCandidate(
  subject: Stand,
  { action, args, pidFile }: Server,
  candidate: CandidateCase,
  verdict: Verdict,
): Promise<BrokenCase> {
  const { node, orders } = subject;
  const master = await pidIn(subject, pidFile);
  const putBack = await layFiles(node, candidate);
  const done = await orders.order(action, args());
  const isOtherMaster = (await pidIn(subject, pidFile)) !== master;
  await putBack();
  // One that was taken has to go again.
  if (done.code === null && done.outcome !== 'refused') await orders.order(action, args());
  const { name, server } = candidate;
  return { name, server, files: [...candidate.files], verdict, done, isOtherMaster };
}

async function loadOf({ node, sites }: Stand): Promise<SiteLoad> {
  if (node.peer === null || node.address === null) throw new Error('the node has no client in front of it');
  const targets = [
    ...sites.map((site, index) => (index < PHP_SITES ? site : { ...site, path: '/static.json' })),
    ...NGINX_SITES.map((domain) => ({
      ...{ domain, uid: NGINX_UID, version: '8.2', path: '/static.json', port: NGINX_PORT },
    })),
  ];
  return startSiteLoad(node.peer, { address: node.address, clients: CLIENTS, periodMs: PERIOD_MS, sites: targets });
}

async function chooseCandidate({ node, sites: [site] }: Stand, choose: Choose): Promise<CandidateCase> {
  const which = choose(10);
  if (which < 5) return makeApacheCandidate(choose);
  if (which < 8 || site === undefined) return makeNginxCandidate(choose);
  const path = poolFileOf(site);
  return makePoolCandidate(choose, path, await node.readFile(path));
}

/** Tells each case, with what the neighbours' visitors saw since the one before. */
export async function runBrokenConfigs(
  { broken, seed }: BrokenPlan,
  tell: (found: BrokenCase, load: LoadReport) => void,
): Promise<void> {
  const stands: Stand[] = [];
  try {
    const [subject, scratch] = [await stand('subject'), await stand('scratch')];
    stands.push(subject, scratch);
    const [site] = scratch.sites;
    if (site === undefined) throw new Error('the oracle has no account');
    const domains = scratch.sites.map(({ domain }) => domain);
    const oracles: Readonly<Record<CandidateCase['server'], ConfigOracle>> = {
      apache: await createApacheOracle(scratch.node, domains),
      nginx: await createNginxOracle(scratch.node),
      php: await createPoolOracle(scratch.node, site),
    };
    const [load, servers] = [await loadOf(subject), createServers(subject.sites)];
    const choose = createChoice(seed);
    for (let count = 0; count < broken;) {
      const candidate = await chooseCandidate(subject, choose);
      load.phase(CONTROL);
      const verdict = await oracles[candidate.server].judge(candidate);
      load.phase(verdict.isBroken ? BROKEN : GOOD);
      const found = await tryCandidate(subject, servers[candidate.server], candidate, verdict);
      if (found.verdict.isBroken) count += 1;
      tell(found, await load.report());
    }
    await load.stop();
    for (const { orders } of stands) await orders.end();
  } finally {
    for (const { node } of stands) await node.destroy();
  }
}
