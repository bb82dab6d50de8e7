import { ErrorReply } from '@hauban/shared/api';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Access } from './caller.ts';

export interface RouteFact {
  readonly method: string;
  readonly url: string;
  readonly access: Access;
}

const LEVELS: ReadonlySet<unknown> = new Set<Access>(['public', 'signed-in', 'operator', 'owner']);

/** A route that nobody decided about must not be reachable: the boot stops at it. */
function checkRoute(route: RouteOptions): RouteFact[] {
  const access = route.config?.access;
  const methods = [route.method].flat();
  const title = `${methods.join(',')} ${route.url}`;
  if (access === undefined || !LEVELS.has(access))
    throw new TypeError(`route ${title} has no access level in config.access`);
  const response = (route.schema as { response?: object } | undefined)?.response;
  if (response === undefined) throw new TypeError(`route ${title} has no response schema`);
  (route.schema as { response: object }).response = { ...response, '4xx': ErrorReply, '5xx': ErrorReply };
  return methods.map((method) => ({ method, url: route.url, access }));
}

/** Checks every route registered after this call and gives the list of them. */
export function requireAccess(app: FastifyInstance): readonly RouteFact[] {
  const facts: RouteFact[] = [];
  app.addHook('onRoute', (route) => void facts.push(...checkRoute(route)));
  return facts;
}
