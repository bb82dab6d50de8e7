import { HaubanError } from '@hauban/shared/errors';
import type { FastifyInstance } from 'fastify';

/** Far beyond what a person's pages and scripts ask for together; a script that runs wild is told so. */
export const REQUESTS_PER_MINUTE = 60_000;

/**
 * Requests of one person, by whatever sessions and API tokens, in a minute: more tokens or addresses give no more. After
 * `authenticate`, which says who it is; the rate-limit plugin is there already.
 */
export function limitAccounts(app: FastifyInstance, perMinute: number): void {
  const count = app.createRateLimit({
    max: perMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => request.caller?.personId ?? '',
  });
  app.addHook('onRequest', async (request) => {
    if (request.caller === null) return;
    const limit = await count(request);
    if (limit.isAllowed || !limit.isExceeded) return;
    throw new HaubanError('RATE_LIMITED', `Too many requests of this account; try again in ${limit.ttlInSeconds} s.`);
  });
}
