import { ErrorReply } from '@hauban/shared/api';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { ACCESS_LEVELS, type Access, type Need, type RouteNeed } from '../authorization/index.ts';

export interface RouteFact {
  readonly method: string;
  readonly url: string;
  readonly access: Access;
  /** Null: no target; the access level alone decides. */
  readonly needs: RouteNeed | null;
}

const LEVELS: ReadonlySet<unknown> = new Set<Access>(ACCESS_LEVELS);
/** What a route of that level takes that does not say it. */
const UNSAID: Readonly<Record<Access, Need | null>> = {
  public: null,
  'signed-in': 'read',
  operator: 'edit-node',
  owner: 'admin',
};
/** Segments of a path that name a target, and where its route has to look for it. */
const TARGETS: Readonly<Record<string, RouteNeed['on']>> = {
  ':nodeId': 'node',
  ':runId': 'run',
  ':sessionId': 'session',
};

/** Where the path says that the target is; null when it names none. */
function targetOfPath(url: string): RouteNeed['on'] | null {
  for (const segment of url.split('/')) if (Object.hasOwn(TARGETS, segment)) return TARGETS[segment] ?? null;
  return null;
}

/** A path that names a node, a run or a shell has to say what is needed there. */
export function checkNeeds(title: string, url: string, needs: RouteNeed | 'none' | undefined): void {
  const target = targetOfPath(url);
  const on = typeof needs === 'object' ? needs.on : null;
  if (target !== null && on !== target)
    throw new TypeError(`${title} names a ${target} and does not say in "needs" which right it takes there`);
}

/** A route that nobody decided about must not be reachable: the boot stops at it. */
function checkRoute(route: RouteOptions): RouteFact[] {
  const access = route.config?.access;
  const methods = [route.method].flat();
  const title = `${methods.join(',')} ${route.url}`;
  if (access === undefined || !LEVELS.has(access))
    throw new TypeError(`route ${title} has no access level in config.access`);
  const response = (route.schema as { response?: object } | undefined)?.response;
  if (response === undefined) throw new TypeError(`route ${title} has no response schema`);
  // A route that says nothing takes the widest right of its level, so a role that reaches a part of the fleet is refused.
  const right = UNSAID[access];
  if (right !== null) route.config = { needs: { right, on: targetOfPath(route.url) ?? 'fleet' }, ...route.config };
  const needs = route.config?.needs;
  checkNeeds(`route ${title}`, route.url, needs);
  (route.schema as { response: object }).response = { ...response, '4xx': ErrorReply, '5xx': ErrorReply };
  return methods.map((method) => ({ method, url: route.url, access, needs: typeof needs === 'object' ? needs : null }));
}

/** Checks every route registered after this call and gives the list of them. */
export function requireAccess(app: FastifyInstance): readonly RouteFact[] {
  const facts: RouteFact[] = [];
  app.addHook('onRoute', (route) => void facts.push(...checkRoute(route)));
  return facts;
}
