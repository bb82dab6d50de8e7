import { Health } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import Type from 'typebox';
import type { HttpApp } from './fastify-types.ts';

export interface SystemParts {
  readonly version: string;
  /** Rejects while the database does not answer. */
  readonly ping: () => Promise<void>;
}

/** What belongs to no feature: is it up, and how is it called. */
export function systemRoutes(app: HttpApp, { version, ping }: SystemParts): void {
  app.get(
    '/api/health',
    {
      config: { access: 'public' },
      schema: { summary: 'Does the controller serve?', tags: ['system'], response: { 200: Health } },
    },
    async () => {
      try {
        await ping();
      } catch (error) {
        throw new HaubanError('UNAVAILABLE', 'The database does not answer.', { cause: error });
      }
      return { ok: true as const, version };
    },
  );
  app.get(
    '/api/openapi.json',
    {
      config: { access: 'public' },
      schema: { summary: 'This API, as OpenAPI 3.1', tags: ['system'], response: { 200: Type.Unknown() } },
    },
    async () => app.swagger() as unknown,
  );
}
