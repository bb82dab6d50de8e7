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
  verifyServer,
} from './balancer-args.ts';

const Args = Type.Object(
  {
    backend: Backend,
    server: Server,
    atLeast: AtLeast,
    waitS: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 600,
        title: 'Wait',
        description: 'Seconds until it has to serve nothing any more; 60 when left out, 0: do not wait',
      }),
    ),
  },
  { additionalProperties: false },
);

export const balancerDrain = defineAction({
  name: 'balancer.drain',
  version: 1,
  title: 'Drain a server',
  docs: `Takes a server of HAProxy out of traffic gently: it gets no new visitors, those that it serves are served to the end. Ends when it serves nothing any more; when that takes too long, it is put back as it was. Refused when too few other servers of the backend are up. Undo gives it traffic again.`,
  risk: 'medium',
  roles: ['loadbalancer'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 660_000,
  programs: [],
  locks: balancerLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { state, weight, sessions } = await findServer(planner, args);
      const withinS = args.waitS ?? 60;
      if (state === 'drain' && (sessions === 0 || withinS === 0)) return;
      if (state === 'ready') await checkOthers(planner, args);
      await planner.resource('balancer.server', serverId(args), { state: 'drain', weight });
      if (withinS > 0) {
        const { backend, server } = args;
        planner.task(
          'balancer.wait-idle',
          { backend, server, withinS },
          `Wait until ${serverId(args)} serves nothing any more`,
        );
      }
    }),
  verify: (host, args, changes) => verifyServer(host, args, 'drain', changes),
});
