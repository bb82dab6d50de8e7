import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import {
  AtLeast,
  Backend,
  balancerLocks,
  checkOthers,
  findServer,
  Server,
  serverId,
  verifyKept,
} from './balancer-args.ts';

const Args = Type.Object(
  {
    backend: Backend,
    server: Server,
    weight: Type.Integer({ minimum: 0, maximum: 256, title: 'Weight', description: '0: no new visitors; 256: most' }),
    atLeast: AtLeast,
  },
  { additionalProperties: false },
);

export const balancerWeight = defineAction({
  name: 'balancer.weight',
  version: 1,
  title: 'Set the weight of a server',
  docs: `Sets how large a share of the requests a server of HAProxy gets, against the other servers of its backend. Zero is refused when too few others are up. Undo brings back the weight from before.`,
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
      const { state, weight } = await findServer(planner, args);
      if (args.weight === 0 && weight > 0 && state === 'ready') await checkOthers(planner, args);
      await planner.resource('balancer.server', serverId(args), { state, weight: args.weight });
    }),
  async verify(host, args, changes) {
    const { servers } = await host.queries.ask('balancer.servers', {});
    const now = servers.find(({ backend, server }) => backend === args.backend && server === args.server);
    return [
      { name: 'HAProxy says so', ok: now?.weight === args.weight, saw: String(now?.weight ?? 'no such server') },
      ...(await verifyKept(host, args, changes)),
    ];
  },
});
