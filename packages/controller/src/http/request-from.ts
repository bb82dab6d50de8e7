import type { FastifyRequest } from 'fastify';

/** Network address and program of a request, for sessions and the audit log. */
export function requestFrom(request: FastifyRequest): { readonly address: string; readonly userAgent: string } {
  return { address: request.ip, userAgent: request.headers['user-agent'] ?? '' };
}
