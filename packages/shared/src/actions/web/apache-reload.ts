import Type from 'typebox';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host, WebSite } from '../host.ts';
import { faultText, planChanges, refuse } from '../planner.ts';
import { HaubanError } from '../../errors/index.ts';
import { attempt } from './verify-steps.ts';

/** As many sites are asked before and after. */
const CANARIES = 5;

const canariesOf = (sites: readonly WebSite[]): readonly WebSite[] => sites.slice(0, CANARIES);

async function verifySite(host: Host, site: WebSite): Promise<Verified> {
  const name = `${site.serverName} on port ${site.port} answers`;
  return attempt(name, async () => {
    const probe = {
      host: site.serverName,
      path: '/',
      port: site.port,
      ...(site.secure ? { secure: true as const } : {}),
    };
    const reply = await host.web.probe(probe);
    return { name, ok: reply.ok, saw: reply.ok ? `status ${reply.status}` : reply.problem };
  });
}

export const apacheReload = defineAction({
  name: 'apache.reload',
  version: 1,
  title: 'Reload Apache',
  docs: `Loads the configuration that is on disk, when it differs from the one that runs. Before anything is touched, the configuration passes Apache's own test, every certificate is compared with its key (Apache's test does not), and Apache is started with it in private network, mount and process namespaces: a fault is refused with file, line and reason while the old configuration goes on serving. Refused as well is what takes a port that another program has or more open files than the Apache that runs may have, what takes the name of an account's site, and what makes sites answer otherwise that nobody has changed (where that is meant, apache.restart takes it). After the graceful reload the same master must run, a new generation must serve and sites that answered before must still answer.

There is nothing to undo: the configuration files are not touched.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'unshare'],
  locks: () => ['apache'],
  plan: (host) =>
    planChanges(host, async (planner) => {
      if (!(await host.web.isInstalled())) refuse('Apache is not installed on this node');
      if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
      const pending = await host.web.pending();
      if (pending.length === 0) return planner.note('Apache serves the configuration that is on disk.');
      const rehearsal = await host.web.rehearse([], []);
      if (!rehearsal.ok)
        throw new HaubanError(
          rehearsal.stage === 'start' ? 'REHEARSAL_FAILED' : 'CONFIG_INVALID',
          faultText(rehearsal),
        );
      planner.note(`Apache started with this configuration in a rehearsal of ${Math.round(rehearsal.tookMs)} ms.`);
      for (const line of pending.slice(0, 50)) planner.note(line);
      const why = pending.length === 1 ? (pending[0] ?? '') : `${pending.length} things differ from what it has loaded`;
      return planner.add({ kind: 'apache-reload', why, when: 'apply' });
    }),
  async verify(host) {
    const pid = await host.web.masterPid();
    const pending = await host.web.pending();
    const checks: Verified[] = [
      { name: 'Apache runs', ok: pid !== null, saw: pid === null ? 'no master process' : `master ${pid}` },
      { name: 'It has loaded what is on disk', ok: pending.length === 0, saw: pending[0] ?? 'yes' },
    ];
    for (const site of canariesOf(await host.web.sites())) checks.push(await verifySite(host, site));
    return checks;
  },
});
