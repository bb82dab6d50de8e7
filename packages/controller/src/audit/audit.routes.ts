import { AuditPage, AuditQuery, AuditState, AuditWhy, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import { callerOf, readableOf, type HttpApp } from '../http/index.ts';
import { stateFor, type SightOf } from './audit-sight.ts';
import type { AuditFindingsService } from './audit-findings.service.ts';
import type { AuditHeadsService } from './audit-heads.service.ts';
import type { AuditWhyService } from './audit-why.service.ts';
import type { AuditService } from './audit.service.ts';

const tags = ['audit'];
/** Of the rows each reader gets those that are theirs to read. */
const config = { access: 'signed-in', needs: { right: 'read', on: 'list' } } as const;
const FindingParams = Type.Object({ id: Uuid });
const RowParams = Type.Object({ seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });
const Done = Type.Object({ ok: Type.Literal(true) });

export interface AuditRouteParts {
  readonly audit: AuditService;
  readonly auditHeads: AuditHeadsService;
  readonly auditFindings: AuditFindingsService;
  readonly auditWhy: AuditWhyService;
  readonly auditSight: SightOf;
  /** Text of an export; told to the log before it is read. */
  readonly auditExport: (by: { readonly name: string; readonly address: string }) => Promise<AsyncGenerator<string>>;
}

/** Asks for the next piece only when the one before has gone out. */
function streamOf(text: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: async (controller) => {
      const next = await text.next();
      if (next.done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(next.value));
    },
    cancel: async () => void (await text.return(undefined)),
  });
}

export function auditRoutes(app: HttpApp, parts: AuditRouteParts): void {
  readRoutes(app, parts);
  app.get(
    '/api/audit/export',
    {
      // All or nothing: a part of the chain proves nothing.
      config: { access: 'owner', needs: { right: 'admin', on: 'fleet' } },
      schema: {
        summary: 'The whole audit log with its signed heads, for an offline check; reading it is written to the log',
        tags,
        response: { 200: Type.String({ description: 'JSON lines' }) },
      },
    },
    async (request, reply) => {
      const text = await parts.auditExport({ name: callerOf(request).name, address: request.ip });
      reply.type('application/x-ndjson; charset=utf-8');
      reply.header('content-disposition', 'attachment; filename="hauban-audit.jsonl"');
      // The schema speaks of the whole text; it goes out piece by piece.
      return reply.send(streamOf(text) as unknown as string);
    },
  );
  app.post(
    '/api/audit/findings/:id/acknowledge',
    {
      config: { access: 'owner' },
      schema: {
        summary: 'Take note of a finding about the audit log: it is not shown any more',
        tags,
        params: FindingParams,
        response: { 200: Done },
      },
    },
    async (request) => {
      const by = { name: callerOf(request).name, address: request.ip };
      await parts.auditFindings.acknowledge(request.params.id, by);
      return { ok: true as const };
    },
  );
}

function readRoutes(app: HttpApp, { audit, auditHeads, auditWhy, auditSight }: AuditRouteParts): void {
  const sightOf = (request: FastifyRequest) =>
    auditSight({ name: callerOf(request).name, readable: readableOf(request) });
  app.get(
    '/api/audit',
    {
      config,
      schema: { summary: 'Audit log, newest first', tags, querystring: AuditQuery, response: { 200: AuditPage } },
    },
    async (request) => audit.list(request.query, await sightOf(request)),
  );
  app.get(
    '/api/audit/state',
    {
      config,
      schema: {
        summary: 'How far the audit log is signed, and what its witnesses say',
        tags,
        response: { 200: AuditState },
      },
    },
    async (request) => stateFor(await auditHeads.state(), await sightOf(request)),
  );
  app.get(
    '/api/audit/:seq/why',
    {
      config,
      schema: {
        summary: 'Why it was allowed: who asked, by which order, and what the node’s policy says',
        tags,
        params: RowParams,
        response: { 200: AuditWhy },
      },
    },
    async (request) => auditWhy.why(request.params.seq, await sightOf(request)),
  );
}
