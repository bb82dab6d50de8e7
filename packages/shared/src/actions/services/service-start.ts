import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { knownUnit, UnitArgs, unitLocks, unitOf, verifyUnit } from './service-args.ts';

export const serviceStart = defineAction({
  name: 'service.start',
  version: 1,
  title: 'Start a service',
  docs: `Starts one of the services of hosting, and has it started at boot where it can be. Seen to run twice, three seconds apart. Undo stops it and puts the boot setting back.`,
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
      await planner.resource('service.unit', unitOf(args), { active: true, enabled: true });
    }),
  verify: (host, args) => verifyUnit(host, unitOf(args), true),
});
