import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { knownUnit, UnitArgs, unitLocks, unitOf, verifyUnit } from './service-args.ts';

export const serviceStop = defineAction({
  name: 'service.stop',
  version: 1,
  title: 'Stop a service',
  docs: `Stops one of the services of hosting. Whether it is started at boot stays as it is, so a reboot brings it back. Undo starts it.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: UnitArgs,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['systemctl'],
  locks: unitLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      await knownUnit(planner, unitOf(args));
      const now = await host.resources.read('service.unit', unitOf(args));
      await planner.resource('service.unit', unitOf(args), { active: false, enabled: now?.enabled ?? false });
    }),
  verify: (host, args) => verifyUnit(host, unitOf(args), false),
});
