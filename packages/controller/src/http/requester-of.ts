import type { FastifyRequest } from 'fastify';
import { callerOf } from './caller.ts';
import { decisionOf } from './require-right.ts';

/** In whose name something is done, by what sign-in, from where, and by which rule it is allowed. */
export function requesterOf(request: FastifyRequest) {
  const { personId, name, via } = callerOf(request);
  return { id: personId, name, via, address: request.ip, decision: decisionOf(request) };
}
