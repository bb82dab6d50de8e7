import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

/** OpenAPI 3.1 from the schemas of the routes; `GET /api/openapi.json` is registered by `system-routes.ts`. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hauban',
        description: 'Fleet of a web-hosting company: nodes, metrics, actions, shells, audit. Times are Unix ms (UTC).',
        version: '1',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API token, made in the page or by POST /api/tokens',
          },
        },
      },
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access;
      const security = access === 'public' ? [] : [{ token: [] }];
      const note = access === undefined || access === 'public' ? '' : `Needs: ${access}.`;
      const described = typeof schema.description === 'string' ? `${schema.description} ${note}` : note;
      return { url, schema: { ...schema, security, description: described.trim() } };
    },
  });
}
