import type { LabNode } from '../apache.ts';
import { requestHttp } from '../http-request.ts';
import { waitUntil } from '../program.ts';
import type { CandidateCase } from './broken-files.ts';

/** What the real server makes of a candidate when nobody looks first: on a node of its own, which may break. */
export interface Verdict {
  readonly isBroken: boolean;
  /** The server's own test passes it. */
  readonly passesTest: boolean;
  readonly why: string;
}

const PID_FILE = '/run/apache2/apache2.pid';
const ERROR_LOG = '/var/log/apache2/error.log';

/** Puts the candidate's files there; gives what puts back what was there. */
export async function layFiles(node: LabNode, { files }: CandidateCase): Promise<() => Promise<void>> {
  const kept = '/var/lib/kept-by-hand';
  const backs: (() => Promise<unknown>)[] = [];
  for (const [path, content] of files) {
    const hadOne = await node.exists(path);
    if (hadOne) await node.mustRun('/usr/bin/mv', ['--', path, kept]);
    if (content !== null) await node.writeFile(path, content);
    backs.push(async () => {
      await node.mustRun('/usr/bin/rm', ['-f', '--', path]);
      if (hadOne) await node.mustRun('/usr/bin/mv', ['--', kept, path]);
    });
  }
  return async () => {
    for (const back of backs) await back();
  };
}

/** What neighbours answer: the ones that a candidate must leave as they are. */
export async function answersOf(
  node: LabNode,
  sites: readonly string[],
  { port = 80, paths = ['/', '/static.json'] }: { readonly port?: number; readonly paths?: readonly string[] } = {},
): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const site of sites)
    for (const path of paths) {
      const reply = await requestHttp(node, { url: `http://127.0.0.1:${port}${path}`, host: site });
      answers.push(
        reply.kind === 'response' ? `${site}${path}: ${reply.status} ${reply.body}` : `${site}${path}: ${reply.kind}`,
      );
    }
  return answers;
}

/** The master is gone, or says that it goes on, once more than before. */
async function gracefully(node: LabNode): Promise<'gone' | 'serves'> {
  const resumed = async (): Promise<number> =>
    (await node.readFile(ERROR_LOG)).split('resuming normal operations').length;
  const before = await resumed();
  await node.run('/usr/sbin/apache2ctl', ['graceful']);
  return waitUntil(
    'the end of a reload',
    async () => {
      if ((await resumed()) > before) return 'serves' as const;
      return (await requestHttp(node, { url: 'http://127.0.0.1/' })).kind === 'refused' ? ('gone' as const) : null;
    },
    { timeoutMs: 10_000, intervalMs: 20 },
  ).catch(() => 'gone' as const);
}

/** The master may be gone, stopped half-way or deaf: it and its workers are one process group. */
async function startAgain(node: LabNode): Promise<void> {
  if (await node.exists(PID_FILE)) {
    const master = (await node.readFile(PID_FILE)).trim();
    await node.run('/usr/bin/kill', ['-KILL', '--', `-${master}`]);
    await node.run('/usr/bin/rm', ['-f', PID_FILE]);
  }
  let said = '';
  await waitUntil(
    'Apache after a fault',
    async () => {
      said = (await node.run('/usr/sbin/apache2ctl', ['start'])).stderr;
      return (await requestHttp(node, { url: 'http://127.0.0.1/' })).kind === 'response';
    },
    { timeoutMs: 60_000, intervalMs: 200 },
  ).catch((error: unknown) => {
    throw new Error(`Apache of the oracle does not start again: ${said}`, { cause: error });
  });
}

export interface ConfigOracle {
  readonly judge: (candidate: CandidateCase) => Promise<Verdict>;
}

export async function createApacheOracle(node: LabNode, sites: readonly string[]): Promise<ConfigOracle> {
  const well = await answersOf(node, sites);
  const judgeLaid = async (): Promise<Verdict> => {
    const test = await node.run('/usr/sbin/apache2ctl', ['configtest']);
    if (test.code !== 0) return { isBroken: true, passesTest: false, why: test.stderr.trim().slice(0, 300) };
    if ((await gracefully(node)) === 'gone') return { isBroken: true, passesTest: true, why: 'Apache ended' };
    const now = await answersOf(node, sites);
    const changed = now.find((answer, index) => answer !== well[index]);
    return { isBroken: changed !== undefined, passesTest: true, why: changed ?? 'all answer as before' };
  };
  return {
    judge: async (candidate) => {
      const putBack = await layFiles(node, candidate);
      const verdict = await judgeLaid();
      await putBack();
      if (verdict.passesTest && (verdict.why === 'Apache ended' || (await gracefully(node)) === 'gone'))
        await startAgain(node);
      return verdict;
    },
  };
}
