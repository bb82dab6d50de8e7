import { phpMasterOf } from '@hauban/shared/actions';
import type { LabNode } from '../apache.ts';
import { waitUntil } from '../program.ts';
import { layFiles, type ConfigOracle, type Verdict } from './config-oracle.ts';
import type { HostingSite } from './hosting-sites.ts';

/** A second php-fpm with the account's pool on a socket of its own: does it start, and is the page as it was? */

const FOLDER = '/run/oracle';
const SOCKET = `${FOLDER}/pool.sock`;
const POOL = `${FOLDER}/pool.conf`;
const PHP = '/usr/sbin/php-fpm8.2';

/** The page of the account by FastCGI; what went wrong as text of the same kind. */
async function askPage(node: LabNode, { account }: HostingSite): Promise<string> {
  const page = `/srv/vol1/${account}/var/www/index.php`;
  const env = ['REQUEST_METHOD=GET', `SCRIPT_FILENAME=${page}`, 'SCRIPT_NAME=/index.php', 'QUERY_STRING='];
  const answer = await node.run('/usr/bin/env', [...env, '/usr/bin/cgi-fcgi', '-bind', '-connect', SOCKET], {
    timeoutMs: 10_000,
  });
  return answer.code === 0
    ? (answer.stdout.split('\r\n\r\n')[1] ?? answer.stdout)
    : `cgi-fcgi ended with ${answer.code}`;
}

async function judgePool(
  node: LabNode,
  site: HostingSite,
  well: string | null,
): Promise<Verdict & { readonly page: string }> {
  const master = phpMasterOf(site.account, site.uid, '8.2');
  const text = await node.readFile(master.configFile);
  await node.mustRun('/usr/bin/install', ['-d', FOLDER]);
  await node.mustRun('/usr/bin/rm', ['-f', SOCKET]);
  // Its own output is a socket here, which php-fpm can not open anew.
  await node.writeFile(POOL, text.replaceAll(master.socket, SOCKET).replaceAll('/proc/self/fd/2', `${FOLDER}/log`));
  const test = await node.run(PHP, ['-t', '-y', POOL]);
  const passesTest = test.code === 0;
  if (!passesTest) return { isBroken: true, passesTest, why: test.stderr.trim().slice(0, 300), page: '' };
  const program = await node.spawn(PHP, ['-F', '-y', POOL]);
  const { child } = program;
  const state = await waitUntil(
    'a pool',
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) return 'ended' as const;
      return (await node.exists(SOCKET)) ? ('listens' as const) : null;
    },
    { timeoutMs: 5000, intervalMs: 20 },
  ).catch(() => 'silent' as const);
  const page = state === 'listens' ? await askPage(node, site) : state;
  await program.stop('SIGKILL');
  return { isBroken: well !== null && page !== well, passesTest, why: page.slice(0, 300), page };
}

export async function createPoolOracle(node: LabNode, site: HostingSite): Promise<ConfigOracle> {
  const { page: well } = await judgePool(node, site, null);
  if (!well.startsWith('{')) throw new Error(`the page of the oracle's pool is not as it should be: ${well}`);
  return {
    judge: async (candidate) => {
      const putBack = await layFiles(node, candidate);
      try {
        const { isBroken, passesTest, why } = await judgePool(node, site, well);
        return { isBroken, passesTest, why };
      } finally {
        await putBack();
      }
    },
  };
}
