import { HaubanError } from '@hauban/shared/errors';
import type { FastifyRequest } from 'fastify';
import { callerOf } from './caller.ts';

/** Who calls, as services and the audit log want it. */
export function actorOf(request: FastifyRequest): {
  readonly personId: string;
  readonly name: string;
  readonly address: string;
} {
  const { personId, name } = callerOf(request);
  return { personId, name, address: request.ip };
}

/** What a leaked token could do must not outlive it: a token lets nobody in and changes no key. */
export function needSession(request: FastifyRequest): void {
  if (callerOf(request).credential.kind !== 'session') {
    throw new HaubanError('FORBIDDEN', 'This needs a person signed in to the page; an API token is not enough.');
  }
}
