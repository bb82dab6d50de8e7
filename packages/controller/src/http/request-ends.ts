import { HaubanError } from '@hauban/shared/errors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** How a request to a known route ended; for the audit log. */
export interface RequestEnd {
  readonly request: FastifyRequest;
  readonly route: string;
  readonly status: number;
  /** Error code of a refusal or failure; null when it was answered. */
  readonly code: string | null;
}

/** Calls `ended` after each request whose route exists. It must not throw. */
export function tellRequestEnds(app: FastifyInstance, ended: (end: RequestEnd) => void): void {
  const codes = new WeakMap<FastifyRequest, string>();
  app.addHook('onError', async (request, _reply, error: unknown) => {
    if (error instanceof HaubanError) codes.set(request, error.code);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { url, config } = request.routeOptions;
    if (url === undefined || config.access === undefined) return;
    const status = reply.statusCode;
    const unnamed = status >= 500 ? 'INTERNAL' : status >= 400 ? 'BAD_REQUEST' : null;
    ended({ request, route: url, status, code: codes.get(request) ?? unnamed });
  });
}
