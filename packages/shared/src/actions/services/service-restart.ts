import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { knownUnit, tryPools, UnitArgs, unitLocks, unitOf, verifyUnit } from './service-args.ts';

export const serviceRestart = defineAction({
  name: 'service.restart',
  version: 1,
  title: 'Restart a service',
  docs: `Stops and starts one of the services of hosting: requests in flight are lost, so reload where that is enough. Refused for a service that does not run, and for a php-fpm whose pools would not start. Proven by a new run that stays up for three seconds. There is nothing to undo.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: UnitArgs,
  filledIn: [],
  timeoutMs: 180_000,
  programs: ['systemctl', 'unshare'],
  locks: unitLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const unit = unitOf(args);
      const facts = await knownUnit(planner, unit);
      const { activeState, invocation } = facts;
      if (activeState !== 'active') refuse(`${unit} does not run (${activeState}): start it instead`);
      await tryPools(planner, args, facts);
      planner.task('service.restart', { unit, invocation }, `Restart ${unit}`);
    }),
  async verify(host, args, changes) {
    const unit = unitOf(args);
    const before = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'service.restart' && 'invocation' in change.args
        ? [change.args.invocation]
        : [],
    )[0];
    const { invocation } = await host.queries.ask('service.facts', { unit });
    const isNew = invocation !== '' && invocation !== before;
    return [
      ...(await verifyUnit(host, unit, true)),
      { name: 'It is another run', ok: isNew, saw: isNew ? 'a new one' : 'the one from before' },
    ];
  },
});
