/**
 * Broken candidate configurations of Apache: each is left on a node as a hand would leave it, then a reload is ordered.
 * What an oracle, a real Apache on another node, breaks by has to be refused, while the neighbours' sites answer.
 */
import { startApache, type LabNode } from '../apache.ts';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { makeCandidate, TAKEN_PORT, TLS_FOLDER, type CandidateCase } from './broken-files.ts';
import { createConfigOracle, layFiles, type ConfigOracle, type Verdict } from './config-oracle.ts';
import { createChoice, createHostingSites, type HostingSite } from './hosting-sites.ts';
import type { OrderDone } from './order-runner.ts';
import { startOrderNode, type OrderNode } from './order-node.ts';
import { startSiteLoad, type LoadReport, type SiteLoad } from './site-load.ts';

/** One candidate, what came of it there and here. */
export interface BrokenCase {
  readonly name: string;
  readonly files: readonly (readonly [path: string, content: string | null])[];
  readonly verdict: Verdict;
  readonly done: OrderDone;
  /** Apache is another process afterwards. */
  readonly isOtherMaster: boolean;
}

export interface BrokenPlan {
  /** So many that the oracle calls broken. */
  readonly broken: number;
  readonly seed: number;
}

const SITES = 3;
const CLIENTS = 2;
const PERIOD_MS = 8;
const PID_FILE = '/run/apache2/apache2.pid';

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
    await node.spawn('/usr/bin/socat', [`TCP-LISTEN:${TAKEN_PORT},fork,reuseaddr`, 'EXEC:/usr/bin/cat']);
    const orders = await startOrderNode(node);
    return { node, orders, sites: await createHostingSites(node, orders, SITES) };
  } catch (error) {
    await node.destroy();
    throw error;
  }
}

async function tryCandidate(
  { node, orders }: Stand,
  oracle: ConfigOracle,
  candidate: CandidateCase,
): Promise<BrokenCase> {
  const verdict = await oracle.judge(candidate);
  const master = await node.readFile(PID_FILE);
  const putBack = await layFiles(node, candidate);
  const done = await orders.order('apache.reload', {});
  const isOtherMaster = (await node.exists(PID_FILE)) ? (await node.readFile(PID_FILE)) !== master : true;
  await putBack();
  // One that was taken has to go again.
  if (done.outcome !== 'refused' && done.code === null) await orders.order('apache.reload', {});
  return { name: candidate.name, files: [...candidate.files], verdict, done, isOtherMaster };
}

async function loadOf({ node, sites }: Stand): Promise<SiteLoad> {
  if (node.peer === null || node.address === null) throw new Error('the node has no client in front of it');
  const targets = sites.map((site, index) => (index === 0 ? site : { ...site, path: '/static.json' }));
  return startSiteLoad(node.peer, { address: node.address, clients: CLIENTS, periodMs: PERIOD_MS, sites: targets });
}

/** Tells each case; gives what the neighbours' visitors saw. */
export async function runBrokenConfigs(
  { broken, seed }: BrokenPlan,
  tell: (found: BrokenCase) => void,
): Promise<LoadReport> {
  const stands: Stand[] = [];
  try {
    const [subject, scratch] = [await stand('subject'), await stand('scratch')];
    stands.push(subject, scratch);
    const oracle = await createConfigOracle(
      scratch.node,
      scratch.sites.map(({ domain }) => domain),
    );
    const load = await loadOf(subject);
    const choose = createChoice(seed);
    for (let count = 0; count < broken;) {
      const found = await tryCandidate(subject, oracle, makeCandidate(choose));
      if (found.verdict.isBroken) count += 1;
      tell(found);
    }
    const report = await load.report();
    await load.stop();
    for (const { orders } of stands) await orders.end();
    return report;
  } finally {
    for (const { node } of stands) await node.destroy();
  }
}
