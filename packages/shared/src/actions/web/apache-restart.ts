import Type from 'typebox';
import { defineAction, type Verified } from '../define-action.ts';
import { HaubanError } from '../../errors/index.ts';
import { faultText, planChanges, refuse } from '../planner.ts';
import { attempt } from './verify-steps.ts';

/** As many sites are asked afterwards. */
const SITES = 5;

export const apacheRestart = defineAction({
  name: 'apache.restart',
  version: 1,
  title: 'Restart Apache',
  docs: `Stops and starts Apache, for what a reload can not load (a new module, a new library). Requests in flight are lost: reload where that is enough. The configuration on disk is rehearsed first, so that what is stopped can start again. Afterwards another master has to run and sites have to answer. There is nothing to undo.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 180_000,
  programs: ['apache2ctl', 'systemctl', 'unshare'],
  locks: () => ['apache'],
  plan: (host) =>
    planChanges(host, async (planner) => {
      if (!(await host.web.isInstalled())) refuse('Apache is not installed on this node');
      const pid = await host.web.masterPid();
      if (pid === null) return refuse('Apache does not run on this node: start it first');
      const rehearsal = await host.web.rehearse([], [], 'alive');
      if (!rehearsal.ok)
        throw new HaubanError(
          rehearsal.stage === 'start' ? 'REHEARSAL_FAILED' : 'CONFIG_INVALID',
          faultText(rehearsal),
        );
      planner.note('Requests in flight are lost.');
      // A restart that broke off half-way leaves no Apache behind.
      planner.task('apache.restart', { pid: 0 }, 'Start Apache, when it does not run', 'undo');
      return planner.task('apache.restart', { pid }, 'Restart Apache');
    }),
  async verify(host, _args, changes) {
    const before = changes.flatMap((change) =>
      change.kind === 'task' && change.when === 'apply' && 'pid' in change.args ? [change.args.pid] : [],
    )[0];
    const pid = await host.web.masterPid();
    const saw = pid === null ? 'no master process' : `master ${pid}`;
    const checks: Verified[] = [{ name: 'Another master runs', ok: pid !== null && pid !== before, saw }];
    if (pid === null) return checks;
    for (const { serverName, port, secure } of (await host.web.sites()).slice(0, SITES))
      checks.push(
        await attempt(`${serverName} on port ${port}`, async () => {
          const reply = await host.web.probe({
            host: serverName,
            path: '/',
            port,
            ...(secure ? { secure: true as const } : {}),
          });
          const text = reply.ok ? `status ${reply.status}` : reply.problem;
          return { name: `${serverName} on port ${port}`, ok: reply.ok, saw: text };
        }),
      );
    return checks;
  },
});
