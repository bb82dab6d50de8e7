import { ApprovalAnswer, ApprovalDenial, ApprovalList, ApprovalOutcome, Uuid, WebAuthnJson } from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { callerOf, readableOf, type HttpApp } from '../http/index.ts';
import type { ApprovalsService } from './approvals.service.ts';
import type { Approver } from './approvers.ts';

const tags = ['trust'];
const Params = Type.Object({ requestId: Uuid });
const Nothing = Type.Object({}, { additionalProperties: false });

/**
 * What may be seen may be approved by whoever the policy bundle lists, whatever the account's own rights on the nodes; what
 * a role wants another person for, only by who may do it too.
 */
const config = { access: 'operator', needs: { right: 'read', on: 'list' } } as const;

const caller = (request: FastifyRequest): Approver => {
  const { personId, name, grant, credential } = callerOf(request);
  const isSession = credential.kind === 'session';
  return { personId, name, address: request.ip, readable: readableOf(request), grant, isSession };
};

export function approvalRoutes(app: HttpApp, { approvals }: { readonly approvals: ApprovalsService }): void {
  app.get(
    '/api/approvals',
    {
      config,
      schema: { summary: 'Runs and shells that wait for people', tags, response: { 200: ApprovalList } },
    },
    async (request) => approvals.list(caller(request)),
  );
  app.post(
    '/api/approvals/:requestId/options',
    {
      config,
      schema: {
        summary: 'What a passkey is asked for',
        tags,
        params: Params,
        body: Nothing,
        response: { 200: WebAuthnJson },
      },
    },
    async (request) => approvals.options(request.params.requestId, caller(request)),
  );
  app.post(
    '/api/approvals/:requestId',
    {
      config,
      schema: {
        summary: 'Approve it',
        tags,
        params: Params,
        body: ApprovalAnswer,
        response: { 200: ApprovalOutcome },
      },
    },
    async (request) => approvals.approve(request.params.requestId, request.body, caller(request)),
  );
  app.post(
    '/api/approvals/:requestId/deny',
    {
      config,
      schema: { summary: 'Deny it', tags, params: Params, body: ApprovalDenial, response: { 200: ApprovalOutcome } },
    },
    async (request) => approvals.deny(request.params.requestId, request.body.reason ?? null, caller(request)),
  );
}
