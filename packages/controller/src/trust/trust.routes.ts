import { TrustApproval, TrustDraftRequest, TrustState, WebAuthnJson } from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import { callerOf, type HttpApp } from '../http/index.ts';
import type { AuthorityService } from './authority.service.ts';
import type { TrustCaller } from './trust-caller.ts';
import type { TrustService } from './trust.service.ts';
import Type from 'typebox';

const tags = ['trust'];
const Nothing = Type.Object({}, { additionalProperties: false });

function trustCaller(request: FastifyRequest): TrustCaller {
  const { personId, name } = callerOf(request);
  return { personId, name, address: request.ip };
}

export function trustRoutes(
  app: HttpApp,
  { bundles, authority }: { readonly bundles: TrustService; readonly authority: AuthorityService },
): void {
  app.get(
    '/api/trust',
    {
      config: { access: 'signed-in' },
      schema: { summary: 'The policy bundle, and what is missing', tags, response: { 200: TrustState } },
    },
    async () => bundles.state(),
  );
  app.post(
    '/api/trust/draft',
    {
      config: { access: 'owner' },
      schema: { summary: 'Draft the next version', tags, body: TrustDraftRequest, response: { 200: TrustState } },
    },
    async (request) => bundles.draft(request.body, trustCaller(request)),
  );
  app.post(
    '/api/trust/options',
    {
      config: { access: 'owner' },
      schema: { summary: 'What a passkey is asked for', tags, body: Nothing, response: { 200: WebAuthnJson } },
    },
    async (request) => bundles.options(trustCaller(request)),
  );
  app.post(
    '/api/trust/approve',
    {
      config: { access: 'owner' },
      schema: { summary: 'Approve the draft', tags, body: TrustApproval, response: { 200: TrustState } },
    },
    async (request) => bundles.approve(request.body.hash, request.body.passkey, trustCaller(request)),
  );
  app.post(
    '/api/trust/authority/options',
    {
      config: { access: 'owner' },
      schema: { summary: 'What a passkey is asked for', tags, body: Nothing, response: { 200: WebAuthnJson } },
    },
    async (request) => authority.options(trustCaller(request)),
  );
  app.post(
    '/api/trust/authority/approve',
    {
      config: { access: 'owner' },
      schema: { summary: 'Approve a new authority key', tags, body: TrustApproval, response: { 200: TrustState } },
    },
    async (request) => {
      await authority.approve(request.body.hash, request.body.passkey, trustCaller(request));
      return bundles.authorityChanged();
    },
  );
}
