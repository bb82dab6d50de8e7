import { HaubanError } from '../../errors/index.ts';
import type { Verified } from '../define-action.ts';
import type { Host, HttpProbe, PhpMaster } from '../host.ts';
import { checkSocket, checkThroughApache } from './web-changes.ts';

/** Looks that several actions take at the end. A look that fails is a finding, not a fault. */

/** Runs one look; what goes wrong outside becomes its finding. */
export async function attempt(name: string, look: () => Promise<Verified>): Promise<Verified> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof HaubanError) return { name, ok: false, saw: error.detail };
    throw error;
  }
}

const finding = (name: string, problem: string | null, well: string): Verified => ({
  name,
  ok: problem === null,
  saw: problem ?? well,
});

/** PHP runs, answers as the account on its own socket, and through Apache. */
export async function verifyMaster(host: Host, master: PhpMaster, site: HttpProbe): Promise<readonly Verified[]> {
  const isRunning = await host.php.isRunning(master);
  return [
    { name: `PHP ${master.version} runs`, ok: isRunning, saw: isRunning ? 'running' : 'stopped' },
    await attempt('PHP on its own socket', async () =>
      finding(
        'PHP on its own socket',
        await checkSocket(host, master),
        `PHP ${master.version} as uid ${master.uid}, sees its own home only`,
      ),
    ),
    await attempt('PHP through Apache', async () =>
      finding(
        'PHP through Apache',
        await checkThroughApache(host, master, site),
        `PHP ${master.version} as uid ${master.uid} on ${site.host}`,
      ),
    ),
  ];
}

/** The site's own first page does not fail; what it says is the customer's business. */
export function verifyPage(host: Host, site: HttpProbe): Promise<Verified> {
  const name = `Page of ${site.host}`;
  return attempt(name, async () => {
    const reply = await host.web.probe(site);
    if (!reply.ok) return { name, ok: false, saw: reply.problem };
    return { name, ok: reply.status < 500, saw: `status ${reply.status}` };
  });
}
