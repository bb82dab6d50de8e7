import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { balancerLocks, checkOthers, findServer, serverId, TakeOutArgs, verifyServer } from './balancer-args.ts';

export const balancerMaint = defineAction({
  name: 'balancer.maint',
  version: 1,
  title: 'Put a server into maintenance',
  docs: `Takes a server of HAProxy out of traffic at once: no new requests, no health checks. Drain it first where its visitors should not notice. Refused when too few other servers of the backend are up. Undo brings back the state from before.`,
  risk: 'medium',
  roles: ['loadbalancer'],
  needsRoot: true,
  readOnly: false,
  args: TakeOutArgs,
  filledIn: [],
  timeoutMs: 30_000,
  programs: [],
  locks: balancerLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { state, weight } = await findServer(planner, args);
      if (state === 'ready') await checkOthers(planner, args);
      await planner.resource('balancer.server', serverId(args), { state: 'maint', weight });
    }),
  verify: (host, args, changes) => verifyServer(host, args, 'maint', changes),
});
