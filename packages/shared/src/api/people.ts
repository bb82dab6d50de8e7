import Type, { type Static } from 'typebox';
import { closed, Name, NullableTime, TimeMs, Uuid } from './primitives.ts';

/** Set-up, sign-in, sessions and API tokens. */
export const PersonName = Type.String({ pattern: '^[a-z][a-z0-9._-]{1,31}$', description: 'Login name' });
const Password = Type.String({ minLength: 12, maxLength: 256 });
export const WebAuthnJson = Type.Unknown({ description: 'WebAuthn JSON as the browser gives or takes it' });

/** GET /api/setup */
export const SetupState = Type.Object(
  { needed: Type.Boolean(), passkeys: Type.Boolean({ description: 'Passkeys work at this address' }) },
  closed,
);
export type SetupState = Static<typeof SetupState>;
/** POST /api/setup/passkey-options: {token, name} -> WebAuthn creation options */
export const SetupPasskeyOptions = Type.Object({ token: Type.String({ maxLength: 200 }), name: PersonName }, closed);
/** POST /api/setup: exactly one of password and passkey; makes the owner and answers `Me`, signed in */
export const SetupRequest = Type.Object(
  {
    token: Type.String({ maxLength: 200 }),
    name: PersonName,
    password: Type.Optional(Password),
    passkey: Type.Optional(WebAuthnJson),
  },
  closed,
);
export type SetupRequest = Static<typeof SetupRequest>;
/** POST /api/sign-in -> Me, with the session cookie; POST /api/sign-out {} */
export const PasswordSignIn = Type.Object({ name: PersonName, password: Type.String({ maxLength: 256 }) }, closed);
export type PasswordSignIn = Static<typeof PasswordSignIn>;
/** POST /api/sign-in/passkey-options: {} -> options; POST /api/sign-in/passkey: {passkey} -> Me */
export const PasskeySignIn = Type.Object({ passkey: WebAuthnJson }, closed);
/** GET /api/me */
export const Me = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    role: Type.Union([Type.Literal('owner'), Type.Literal('operator'), Type.Literal('viewer')]),
    hasPasskey: Type.Boolean(),
    csrfToken: Type.Optional(Type.String()),
  },
  closed,
);
export type Me = Static<typeof Me>;

/** API tokens: POST /api/tokens {name, expiresInDays} -> the secret, once. GET /api/tokens; DELETE /api/tokens/:id */
export const TokenRequest = Type.Object(
  { name: Name, expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 })) },
  closed,
);
export type TokenRequest = Static<typeof TokenRequest>;
export const TokenCreated = Type.Object({ id: Uuid, secret: Type.String() }, closed);
export type TokenCreated = Static<typeof TokenCreated>;
export const TokenRow = Type.Object(
  { id: Uuid, name: Type.String(), createdAt: TimeMs, expiresAt: TimeMs, lastUsedAt: NullableTime },
  closed,
);
export type TokenRow = Static<typeof TokenRow>;
/** Of the person who asks, oldest first. */
export const TokenList = Type.Array(TokenRow);

/**
 * Signing in from the command line (as OAuth's device flow, RFC 8628): POST /api/cli-sign-in {} gives a code to
 * show and a secret to poll with; a signed-in person approves the code in the page (POST /api/cli-sign-in/approve
 * {userCode}); the poll (POST /api/cli-sign-in/poll {deviceCode}) then gives an API token.
 */
export const CliSignInStarted = Type.Object(
  {
    deviceCode: Type.String(),
    userCode: Type.String(),
    verifyUrl: Type.String(),
    intervalMs: Type.Integer(),
    expiresAt: TimeMs,
  },
  closed,
);
export type CliSignInStarted = Static<typeof CliSignInStarted>;
export const CliSignInPoll = Type.Object({ deviceCode: Type.String({ maxLength: 200 }) }, closed);
export const CliSignInPolled = Type.Union([
  Type.Object({ state: Type.Literal('pending') }, closed),
  Type.Object({ state: Type.Literal('approved'), token: Type.String(), name: Type.String() }, closed),
]);
export type CliSignInPolled = Static<typeof CliSignInPolled>;
export const CliSignInApprove = Type.Object({ userCode: Type.String({ maxLength: 20 }) }, closed);

/** POST /api/socket-tickets -> one-time ticket, 30 s, for `?ticket=` of a WebSocket. */
export const SocketTicket = Type.Object({ ticket: Type.String() }, closed);
export type SocketTicket = Static<typeof SocketTicket>;
