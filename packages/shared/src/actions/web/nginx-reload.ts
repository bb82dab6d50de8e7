import Type from 'typebox';
import { countOf } from '../count-of.ts';
import { defineAction } from '../define-action.ts';
import { HaubanError } from '../../errors/index.ts';
import { planChanges, refuse } from '../planner.ts';

export const nginxReload = defineAction({
  name: 'nginx.reload',
  version: 1,
  title: 'Reload nginx',
  docs: `Loads the configuration that is on disk. It has to pass nginx's own test first, no other program may have a port of it, and no two sites may have one name on one port, which nginx only warns of while it serves one of them (a conflict that it has loaded already does not count); afterwards the same master must run with workers that were not there before: nginx keeps the old workers, and says nothing, when it can not load what it is given. Its plan alone is a test of the configuration. There is nothing to undo: no file is touched.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['nginx'],
  locks: () => ['nginx'],
  plan: (host) =>
    planChanges(host, async (planner) => {
      const { isInstalled, pid, fault } = await host.queries.ask('nginx.state', {});
      if (!isInstalled) return refuse('nginx is not installed on this node');
      if (pid === null) return refuse('nginx does not run on this node: start it first');
      if (fault !== null) throw new HaubanError('CONFIG_INVALID', fault);
      return planner.task('nginx.reload', { pid }, 'Reload nginx');
    }),
  async verify(host, _args, changes) {
    const before = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'nginx.reload' && 'pid' in change.args ? [change.args.pid] : [],
    )[0];
    const { pid, workers } = await host.queries.ask('nginx.state', {});
    return [
      {
        name: 'The same master runs',
        ok: pid !== null && (before === undefined || pid === before),
        saw: pid === null ? 'no master process' : `master ${pid}`,
      },
      { name: 'Workers serve', ok: workers.length > 0, saw: countOf(workers.length, 'worker') },
    ];
  },
});
