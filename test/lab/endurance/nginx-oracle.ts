import type { LabNode } from '../apache.ts';
import { waitUntil } from '../program.ts';
import { NGINX_PORT } from './broken-nginx.ts';
import { answersOf, layFiles, type ConfigOracle, type Verdict } from './config-oracle.ts';

/** nginx beside Apache, with sites of its own that are asked while candidates come and go. */

const PID_FILE = '/run/nginx.pid';
const ERROR_LOG = '/var/log/nginx/error.log';
export const NGINX_SITES = ['n0.example.net', 'n1.example.net'] as const;
const NO_BODY = 'd41d8cd98f00b204e9800998ecf8427e';
/** As the load judges answers. */
export const NGINX_UID = 33;

export async function startNginx(node: LabNode): Promise<void> {
  await node.mustRun('/usr/bin/rm', ['-f', '/etc/nginx/sites-enabled/default']);
  const body = JSON.stringify({ version: '8.2', uid: NGINX_UID, digest: NO_BODY });
  const text = NGINX_SITES.map(
    (name) =>
      `server {\n  listen ${NGINX_PORT};\n  server_name ${name};\n  location = /static.json { return 200 '${body}'; }\n}\n`,
  );
  await node.writeFile('/etc/nginx/sites-enabled/neighbours', text.join(''));
  await node.mustRun('/usr/sbin/nginx');
}

async function workersOf(node: LabNode): Promise<string> {
  if (!(await node.exists(PID_FILE))) return '';
  const master = (await node.readFile(PID_FILE)).trim();
  return (await node.run('/usr/bin/ps', ['-o', 'pid=', '--ppid', master])).stdout;
}

/** New workers, or a word in the log that there will be none. */
async function reload(node: LabNode): Promise<'serves' | 'kept'> {
  const faults = async (): Promise<number> => (await node.readFile(ERROR_LOG)).split('[emerg]').length;
  const [workers, before] = [(await workersOf(node)).split('\n'), await faults()];
  await node.run('/usr/sbin/nginx', ['-s', 'reload']);
  return waitUntil(
    'the end of a reload of nginx',
    async () => {
      if ((await workersOf(node)).split('\n').some((pid) => pid !== '' && !workers.includes(pid)))
        return 'serves' as const;
      return (await faults()) > before ? ('kept' as const) : null;
    },
    { timeoutMs: 10_000, intervalMs: 20 },
  ).catch(() => 'kept' as const);
}

/** A candidate may have moved the file that says which process to signal: all of them end, and a new one starts. */
async function startAgain(node: LabNode): Promise<void> {
  const all = async (): Promise<readonly string[]> =>
    (await node.run('/usr/bin/pgrep', ['-x', 'nginx'])).stdout.split('\n').filter(Boolean);
  const old = await all();
  if (old.length > 0) await node.run('/usr/bin/kill', ['-KILL', ...old]);
  await waitUntil('the end of nginx', async () => (await all()).length === 0);
  await node.mustRun('/usr/sbin/nginx');
  await waitUntil('nginx of the oracle', async () => (await workersOf(node)) !== '');
}

export async function createNginxOracle(node: LabNode): Promise<ConfigOracle> {
  const answers = (): Promise<readonly string[]> =>
    answersOf(node, NGINX_SITES, { port: NGINX_PORT, paths: ['/static.json'] });
  const well = await answers();
  const judgeLaid = async (): Promise<Verdict> => {
    const test = await node.run('/usr/sbin/nginx', ['-t', '-q']);
    if (test.code !== 0) return { isBroken: true, passesTest: false, why: test.stderr.trim().slice(0, 300) };
    if ((await reload(node)) === 'kept') return { isBroken: true, passesTest: true, why: 'nginx keeps what it had' };
    const now = await answers();
    const changed = now.find((answer, index) => answer !== well[index]);
    return { isBroken: changed !== undefined, passesTest: true, why: changed ?? 'all answer as before' };
  };
  return {
    judge: async (candidate) => {
      const putBack = await layFiles(node, candidate);
      const verdict = await judgeLaid();
      await putBack();
      if (verdict.passesTest && (await reload(node)) === 'kept') await startAgain(node);
      return verdict;
    },
  };
}
