import { AuditPage, AuditQuery } from '@hauban/shared/api';
import type { HttpApp } from '../http/index.ts';
import type { AuditService } from './audit.service.ts';

export function auditRoutes(app: HttpApp, { audit }: { readonly audit: AuditService }): void {
  app.get(
    '/api/audit',
    {
      config: { access: 'signed-in' },
      schema: {
        summary: 'Audit log, newest first',
        tags: ['audit'],
        querystring: AuditQuery,
        response: { 200: AuditPage },
      },
    },
    async (request) => audit.list(request.query),
  );
}
