import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { knownUnit, tryPools, UnitArgs, unitLocks, unitOf, verifyUnit } from './service-args.ts';

export const serviceReload = defineAction({
  name: 'service.reload',
  version: 1,
  title: 'Reload a service',
  docs: `Has a running service read its configuration again, without a stop. Apache is reloaded by its own action (apache.reload), which rehearses the configuration first; so is nginx. The pools of php-fpm are started in private first: what would end it is refused. Seen to run twice, three seconds apart. There is nothing to undo.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: UnitArgs,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['systemctl', 'unshare'],
  locks: unitLocks,
  normalise: (args) =>
    args.unit === 'apache2' || args.unit === 'nginx'
      ? { ok: false, problem: 'Apache and nginx are reloaded by apache.reload and nginx.reload, which try it first.' }
      : { ok: true, args },
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const unit = unitOf(args);
      const facts = await knownUnit(planner, unit);
      const { activeState, canReload } = facts;
      if (activeState !== 'active') refuse(`${unit} does not run (${activeState}): start it instead`);
      if (!canReload) refuse(`${unit} can not reload: restart it instead`);
      await tryPools(planner, args, facts);
      planner.task('service.reload', { unit }, `Reload ${unit}`);
    }),
  verify: (host, args) => verifyUnit(host, unitOf(args), true),
});
