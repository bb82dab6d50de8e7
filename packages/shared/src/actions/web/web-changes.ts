import { HaubanError } from '../../errors/index.ts';
import type { ApacheReload, PhpCheck } from '../change.ts';
import type { ChangeHandler } from '../change-handler.ts';
import type { Host, HttpProbe, PhpMaster } from '../host.ts';
import { parseProbeReply, PROBE_URL } from './probe-page.ts';

/** PHP masters, the check that PHP answers as the account, and Apache's reload. */

export const phpMasterHandler: ChangeHandler<'php-master'> = {
  async state(host, { master, before, after }) {
    const now = (await host.php.isRunning(master)) ? 'running' : 'stopped';
    if (now === after) return 'after';
    return now === before ? 'before' : 'other';
  },
  apply: (host, { master, after }) => (after === 'running' ? host.php.start(master) : host.php.stop(master)),
  revert: (host, { master, before }) => (before === 'running' ? host.php.start(master) : host.php.stop(master)),
  // A crash in the middle of a start may leave a unit, a socket or a pid file.
  tidy: async (host, { master, before }) => {
    if (before === 'stopped') await host.php.stop(master);
  },
};

export const phpMastersHandler: ChangeHandler<'php-masters'> = {
  /** Some of them is as good as none: applying starts the others, undoing ends them. */
  async state(host, { masters }) {
    const running = await Promise.all(masters.map((master) => host.php.isRunning(master)));
    return running.every(Boolean) ? 'after' : 'before';
  },
  apply: (host, { masters }) => host.php.startAll(masters),
  revert: (host, { masters }) => host.php.stopAll(masters),
  tidy: (host, { masters }) => host.php.stopAll(masters),
};

/** What PHP says about itself, compared with what it has to be; null when all is well, else one sentence. */
function judgeProbe(
  master: PhpMaster,
  saw: { readonly version: string; readonly uid: number; readonly gid: number },
): string | null {
  if (saw.version !== master.version && !saw.version.startsWith(`${master.version}.`))
    return `PHP ${saw.version} answered, not ${master.version}`;
  if (saw.uid !== master.uid || saw.gid !== master.gid)
    return `PHP runs as uid ${saw.uid}, gid ${saw.gid}, not as ${master.uid}, ${master.gid}`;
  return null;
}

/** Through the master's own socket: version, user, and that it is shut in with its own tree. */
export async function checkSocket(host: Host, master: PhpMaster): Promise<string | null> {
  const saw = await host.php.probe(master);
  const problem = judgeProbe(master, saw);
  if (problem !== null) return problem;
  if (saw.canWriteHome) return `PHP may write ${master.home}, which is root's`;
  const strangers = saw.visibleHomes.filter((name) => name !== master.account);
  return strangers.length > 0 ? `PHP sees the homes of other accounts: ${strangers.slice(0, 5).join(', ')}` : null;
}

/** Through the live Apache: the probe page of that site answers as the account and version. */
export async function checkThroughApache(host: Host, master: PhpMaster, site: HttpProbe): Promise<string | null> {
  const reply = await host.web.probe({ ...site, path: PROBE_URL });
  if (!reply.ok) return `Apache does not answer for ${site.host}: ${reply.problem}`;
  if (reply.status !== 200) return `Apache answers ${reply.status} for the probe page of ${site.host}`;
  const saw = parseProbeReply(reply.body);
  if (saw === null) return `the probe page of ${site.host} is not answered by PHP`;
  return judgeProbe(master, saw);
}

async function checkPage(host: Host, change: PhpCheck): Promise<string | null> {
  if (change.page === undefined) return null;
  const reply = await host.web.probe({ ...change.site, path: change.page });
  if (!reply.ok) return `${change.site.host}${change.page} does not answer any more: ${reply.problem}`;
  return reply.status < 500
    ? null
    : `${change.site.host}${change.page} answers ${reply.status} with PHP ${change.master.version}; it did not before`;
}

export const phpCheckHandler: ChangeHandler<'php-check'> = {
  isMoment: true,
  state: () => Promise.resolve('after'),
  async apply(host, change) {
    const problem =
      change.through === 'socket'
        ? await checkSocket(host, change.master)
        : ((await checkThroughApache(host, change.master, change.site)) ?? (await checkPage(host, change)));
    if (problem !== null) throw new HaubanError('VERIFY_FAILED', problem);
  },
  revert: () => Promise.resolve(),
};

const isPending = async (host: Host): Promise<boolean> =>
  (await host.web.isRunning()) && (await host.web.pending()).length > 0;

export const apacheReloadHandler: ChangeHandler<'apache-reload'> = {
  async state(host: Host, { when }: ApacheReload) {
    return when === 'undo' || !(await isPending(host)) ? 'after' : 'before';
  },
  async apply(host, { when }) {
    if (when === 'apply') await host.web.reload();
  },
  async revert(host, { when }) {
    if (when === 'undo' && (await isPending(host))) await host.web.reload();
  },
};
