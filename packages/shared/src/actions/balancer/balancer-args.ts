import Type from 'typebox';
import type { Change } from '../change.ts';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { refuse, type Planner } from '../planner.ts';
import type { BalancerServer, ServerWish } from './balancer-host.ts';

/** No space, semicolon or newline: each of them begins another command on HAProxy's socket. */
const NAME = '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$';
export const Backend = Type.String({ pattern: NAME, title: 'Backend', description: 'As HAProxy calls it' });
export const Server = Type.String({ pattern: NAME, title: 'Server', description: 'As the backend calls it' });
export const AtLeast = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: 1000,
    title: 'At least',
    description: 'So many other servers of the backend have to be up and ready; 1 when left out',
  }),
);
export const TakeOutArgs = Type.Object(
  { backend: Backend, server: Server, atLeast: AtLeast },
  { additionalProperties: false },
);
export type TakeOutArgs = Type.Static<typeof TakeOutArgs>;

type Named = Pick<TakeOutArgs, 'backend' | 'server'>;
export const balancerLocks = (): readonly string[] => ['haproxy'];
export const serverId = ({ backend, server }: Named): string => `${backend}/${server}`;

const servesNow = ({ state, isUp }: BalancerServer): boolean => state === 'ready' && isUp;

/** How many others of the backend could serve. */
function othersOf(servers: readonly BalancerServer[], { backend, server }: Named): number {
  return servers.filter((one) => one.backend === backend && one.server !== server && servesNow(one)).length;
}

/** The server as it is; the plan is refused when there is none, or when too few would be left. */
export async function findServer(planner: Planner, args: Named): Promise<BalancerServer> {
  const { servers, isKept } = await planner.host.queries.ask('balancer.servers', {});
  const found = servers.find(({ backend, server }) => backend === args.backend && server === args.server);
  if (found === undefined) {
    const known = servers.filter(({ backend }) => backend === args.backend).map(({ server }) => server);
    return refuse(
      known.length === 0
        ? `HAProxy has no backend ${args.backend}; it has ${[...new Set(servers.map(({ backend }) => backend))].slice(0, 20).join(', ') || 'none'}`
        : `backend ${args.backend} has no server ${args.server}; it has ${known.slice(0, 20).join(', ')}`,
    );
  }
  if (!isKept)
    planner.note(
      'HAProxy will forget this at its next reload: set server-state-file in global and load-server-state-from-file global in defaults.',
    );
  return found;
}

export async function checkOthers(planner: Planner, args: TakeOutArgs): Promise<void> {
  const { servers } = await planner.host.queries.ask('balancer.servers', {});
  const [others, wanted] = [othersOf(servers, args), args.atLeast ?? 1];
  if (others < wanted)
    refuse(
      `only ${others} other server${others === 1 ? ' is' : 's are'} up in ${args.backend}, and at least ${wanted} must be`,
    );
}

/** That it outlives a reload of HAProxy: a crash may have come between the server and the file with its state. */
export async function verifyKept(host: Host, args: Named, changes: readonly Change[]): Promise<readonly Verified[]> {
  const { isKept, notKept } = await host.queries.ask('balancer.servers', {});
  if (!isKept || changes.length === 0) return [];
  const ok = !notKept.includes(serverId(args));
  return [{ name: 'It outlives a reload', ok, saw: ok ? 'kept' : 'the file of states says something else' }];
}

export async function verifyServer(
  host: Host,
  args: Named,
  state: ServerWish,
  changes: readonly Change[],
): Promise<readonly Verified[]> {
  const { servers } = await host.queries.ask('balancer.servers', {});
  const now = servers.find((one) => one.backend === args.backend && one.server === args.server);
  return [
    {
      name: 'HAProxy says so',
      ok: now?.state === state,
      saw: now === undefined ? 'no such server' : `${now.state}, ${now.isUp ? 'up' : 'down'}`,
    },
    ...(await verifyKept(host, args, changes)),
  ];
}
