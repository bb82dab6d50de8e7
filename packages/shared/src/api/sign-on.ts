import Type, { type Static } from 'typebox';
import { closed, NullableTime, TimeMs, Uuid } from './primitives.ts';

/** Sign-on by identity providers (OpenID Connect): who signs in where, and which of their identities belong to whom. */
export const SignOnProviderId = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' });
/** GET /api/sign-on (public): the providers that this controller knows, in the order of its configuration. */
export const SignOnProviderList = Type.Array(Type.Object({ id: SignOnProviderId, name: Type.String() }, closed));
export type SignOnProviderList = Static<typeof SignOnProviderList>;
/** POST /api/sign-on/begin: with `invite`, the identity is linked to the invited person. Sets the cookie of the attempt. */
export const SignOnBegin = Type.Object(
  {
    provider: SignOnProviderId,
    /** Where to go afterwards: a path of our own pages. */
    returnTo: Type.Optional(Type.String({ maxLength: 2000 })),
    invite: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
);
export type SignOnBegin = Static<typeof SignOnBegin>;
/** The provider's page, to be opened in this browser. */
export const SignOnBegun = Type.Object({ url: Type.String() }, closed);
export type SignOnBegun = Static<typeof SignOnBegun>;
/** POST /api/sign-on/finish: what the provider sent back, as the query of the page's address. */
export const SignOnFinish = Type.Object(
  { provider: SignOnProviderId, query: Type.String({ maxLength: 12_000 }) },
  closed,
);
export type SignOnFinish = Static<typeof SignOnFinish>;
export const SignOnFinished = Type.Object({ returnTo: Type.String() }, closed);
export type SignOnFinished = Static<typeof SignOnFinished>;

/** Proof by a signed-in person that it is still they: exactly one of password (with `code` where TOTP is set up) and passkey. */
export const IdentityProof = Type.Object(
  {
    password: Type.Optional(Type.String({ maxLength: 256 })),
    code: Type.Optional(Type.String({ maxLength: 40 })),
    passkey: Type.Optional(Type.Unknown({ description: 'WebAuthn JSON as the browser gives it' })),
  },
  closed,
);
export type IdentityProof = Static<typeof IdentityProof>;
/** GET /api/me/sign-ons: identities that sign the caller in. */
export const SignOnRow = Type.Object(
  {
    id: Uuid,
    provider: Type.String(),
    issuer: Type.String(),
    subject: Type.String(),
    createdAt: TimeMs,
    lastUsedAt: NullableTime,
  },
  closed,
);
export type SignOnRow = Static<typeof SignOnRow>;
export const SignOnList = Type.Array(SignOnRow);
/** POST /api/me/prove-options {} -> passkey options; POST /api/me/sign-ons -> SignOnBegun; POST /api/me/sign-ons/:id/remove */
export const SignOnLink = Type.Object({ provider: SignOnProviderId, proof: IdentityProof }, closed);
export type SignOnLink = Static<typeof SignOnLink>;
export const SignOnUnlink = Type.Object({ proof: IdentityProof }, closed);
