import Type from 'typebox';
import { countOf } from '../count-of.ts';
import { defineAction } from '../define-action.ts';
import { HaubanError } from '../../errors/index.ts';
import { planChanges, refuse } from '../planner.ts';

export const nginxRestart = defineAction({
  name: 'nginx.restart',
  version: 1,
  title: 'Restart nginx',
  docs: `Stops and starts nginx, for what a reload can not load (a new module, a new library). Requests in flight are lost: reload where that is enough. The configuration on disk has to pass nginx's own test first, no other program may have a port of it, so that what is stopped can start again, and no two sites may have one name on one port, unless it runs with that conflict already. Afterwards another master has to run with workers. There is nothing to undo.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 180_000,
  programs: ['nginx', 'systemctl'],
  locks: () => ['nginx'],
  plan: (host) =>
    planChanges(host, async (planner) => {
      const { isInstalled, pid, fault } = await host.queries.ask('nginx.state', {});
      if (!isInstalled) return refuse('nginx is not installed on this node');
      if (pid === null) return refuse('nginx does not run on this node: start it first');
      if (fault !== null) throw new HaubanError('CONFIG_INVALID', fault);
      planner.note('Requests in flight are lost.');
      // A restart that broke off half-way leaves no nginx behind.
      planner.task('nginx.restart', { pid: 0 }, 'Start nginx, when it does not run', 'undo');
      return planner.task('nginx.restart', { pid }, 'Restart nginx');
    }),
  async verify(host, _args, changes) {
    const before = changes.flatMap((change) =>
      change.kind === 'task' && change.when === 'apply' && 'pid' in change.args ? [change.args.pid] : [],
    )[0];
    const { pid, workers } = await host.queries.ask('nginx.state', {});
    return [
      {
        name: 'Another master runs',
        ok: pid !== null && pid !== before,
        saw: pid === null ? 'no master process' : `master ${pid}`,
      },
      { name: 'Workers serve', ok: workers.length > 0, saw: countOf(workers.length, 'worker') },
    ];
  },
});
