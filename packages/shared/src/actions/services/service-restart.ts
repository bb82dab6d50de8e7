import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { knownUnit, UnitArgs, unitLocks, unitOf, verifyUnit } from './service-args.ts';

export const serviceRestart = defineAction({
  name: 'service.restart',
  version: 1,
  title: 'Restart a service',
  docs: `Stops and starts one of the services of hosting: requests in flight are lost, so reload where that is enough. Refused for a service that does not run. Proven by a new run that stays up for three seconds. There is nothing to undo.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: UnitArgs,
  filledIn: [],
  timeoutMs: 180_000,
  programs: ['systemctl'],
  locks: unitLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const unit = unitOf(args);
      const { activeState, invocation } = await knownUnit(planner, unit);
      if (activeState !== 'active') refuse(`${unit} does not run (${activeState}): start it instead`);
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
