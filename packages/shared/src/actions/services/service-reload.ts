import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { knownUnit, UnitArgs, unitLocks, unitOf, verifyUnit } from './service-args.ts';

export const serviceReload = defineAction({
  name: 'service.reload',
  version: 1,
  title: 'Reload a service',
  docs: `Has a running service read its configuration again, without a stop. Apache is reloaded by its own action (apache.reload), which rehearses the configuration first. Seen to run twice, three seconds apart. There is nothing to undo.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: UnitArgs,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['systemctl'],
  locks: unitLocks,
  normalise: (args) =>
    args.unit === 'apache2'
      ? { ok: false, problem: 'Apache is reloaded by apache.reload, which tries the configuration first.' }
      : { ok: true, args },
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const unit = unitOf(args);
      const { activeState, canReload } = await knownUnit(planner, unit);
      if (activeState !== 'active') refuse(`${unit} does not run (${activeState}): start it instead`);
      if (!canReload) refuse(`${unit} can not reload: restart it instead`);
      planner.task('service.reload', { unit }, `Reload ${unit}`);
    }),
  verify: (host, args) => verifyUnit(host, unitOf(args), true),
});
