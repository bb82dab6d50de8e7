import type {
  IdentityProof,
  SignOnBegin,
  SignOnBegun,
  SignOnFinish,
  SignOnFinished,
  SignOnProviderList,
  SignOnRow,
} from '@hauban/shared/api';
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/browser';
import { path } from './request.ts';

interface Verbs {
  readonly get: <T>(url: string) => Promise<T>;
  readonly post: <T>(url: string, body?: unknown) => Promise<T>;
}

/** Calls about sign-on by identity providers. */
export const signOnCalls = ({ get, post }: Verbs) => ({
  signOnProviders: () => get<SignOnProviderList>(path('sign-on')),
  beginSignOn: (body: SignOnBegin) => post<SignOnBegun>(path('sign-on', 'begin'), body),
  finishSignOn: (body: SignOnFinish) => post<SignOnFinished>(path('sign-on', 'finish'), body),
  mySignOns: () => get<SignOnRow[]>(path('me', 'sign-ons')),
  proveOptions: () => post<PublicKeyCredentialRequestOptionsJSON>(path('me', 'prove-options')),
  linkSignOn: (provider: string, proof: IdentityProof) =>
    post<SignOnBegun>(path('me', 'sign-ons'), { provider, proof }),
  unlinkSignOn: (id: string, proof: IdentityProof) => post<unknown>(path('me', 'sign-ons', id, 'remove'), { proof }),
});
