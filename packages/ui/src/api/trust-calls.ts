import type { ApprovalAnswer, ApprovalOutcome, ApprovalRow, TrustDraftRequest, TrustState } from '@hauban/shared/api';
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/browser';
import { path, type Verbs } from './request.ts';

/** Calls about what people approve: single requests, and the policy bundle. */
export const trustCalls = ({ get, post }: Pick<Verbs, 'get' | 'post'>) => ({
  approvals: () => get<ApprovalRow[]>(path('approvals')),
  approvalOptions: (id: string) => post<PublicKeyCredentialRequestOptionsJSON>(path('approvals', id, 'options')),
  approve: (id: string, answer: ApprovalAnswer) => post<ApprovalOutcome>(path('approvals', id), answer),
  deny: (id: string, reason: string) =>
    post<ApprovalOutcome>(path('approvals', id, 'deny'), reason === '' ? {} : { reason }),
  trust: () => get<TrustState>(path('trust')),
  draftTrust: (body: TrustDraftRequest) => post<TrustState>(path('trust', 'draft'), body),
  trustOptions: () => post<PublicKeyCredentialRequestOptionsJSON>(path('trust', 'options')),
  authorityOptions: () => post<PublicKeyCredentialRequestOptionsJSON>(path('trust', 'authority', 'options')),
  approveAuthority: (hash: string, passkey: unknown) =>
    post<TrustState>(path('trust', 'authority', 'approve'), { hash, passkey }),
  approveTrust: (hash: string, passkey: unknown) => post<TrustState>(path('trust', 'approve'), { hash, passkey }),
});
