import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { Backend, balancerLocks, findServer, Server, serverId, verifyServer } from './balancer-args.ts';

const Args = Type.Object({ backend: Backend, server: Server }, { additionalProperties: false });

export const balancerReady = defineAction({
  name: 'balancer.ready',
  version: 1,
  title: 'Give a server traffic again',
  docs: `Ends a drain or a maintenance of a server of HAProxy: it gets requests as soon as its health checks pass. Undo brings back the state from before.`,
  risk: 'medium',
  roles: ['loadbalancer'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 30_000,
  programs: [],
  locks: balancerLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { weight } = await findServer(planner, args);
      await planner.resource('balancer.server', serverId(args), { state: 'ready', weight });
    }),
  verify: (host, args, changes) => verifyServer(host, args, 'ready', changes),
});
