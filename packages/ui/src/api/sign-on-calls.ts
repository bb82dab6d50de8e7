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
import { path, type Verbs } from './request.ts';

/** Calls about sign-on by identity providers. */
export const signOnCalls = ({ get, post }: Pick<Verbs, 'get' | 'post'>) => ({
  signOnProviders: () => get<SignOnProviderList>(path('sign-on')),
  beginSignOn: (body: SignOnBegin) => post<SignOnBegun>(path('sign-on', 'begin'), body),
  finishSignOn: (body: SignOnFinish) => post<SignOnFinished>(path('sign-on', 'finish'), body),
  mySignOns: () => get<SignOnRow[]>(path('me', 'sign-ons')),
  proveOptions: () => post<PublicKeyCredentialRequestOptionsJSON>(path('me', 'prove-options')),
  linkSignOn: (provider: string, proof: IdentityProof) =>
    post<SignOnBegun>(path('me', 'sign-ons'), { provider, proof }),
  unlinkSignOn: (id: string, proof: IdentityProof) => post<unknown>(path('me', 'sign-ons', id, 'remove'), { proof }),
});
