import Type, { type Static } from 'typebox';
import { Labels, Role } from './nodes.ts';
import { closed, Name, NullableTime, TimeMs, Uuid } from './primitives.ts';

/** Set-up, sign-in, sessions and API tokens. */
/** `system` and `nobody` are what the audit log calls the controller itself and who is not signed in. */
export const PersonName = Type.String({
  pattern: '^(?!(?:system|nobody)$)[a-z][a-z0-9._-]{1,31}$',
  description: 'Login name',
});
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
export const PasswordSignIn = Type.Object(
  {
    name: PersonName,
    password: Type.String({ maxLength: 256 }),
    /** Of the second factor: six digits, or a recovery code. Asked for by SECOND_FACTOR_NEEDED. */
    code: Type.Optional(Type.String({ maxLength: 40 })),
  },
  closed,
);
export type PasswordSignIn = Static<typeof PasswordSignIn>;
/** POST /api/sign-in/passkey-options: {} -> options; POST /api/sign-in/passkey: {passkey} -> Me */
export const PasskeySignIn = Type.Object({ passkey: WebAuthnJson }, closed);
/** GET /api/me */
export const Me = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    role: Type.String(),
    /** What the role comes to, for showing or hiding what would be refused. */
    may: Type.Object({ operate: Type.Boolean(), own: Type.Boolean() }, closed),
    hasPasskey: Type.Boolean(),
    hasPassword: Type.Boolean(),
    /** A second factor of the password is set up. */
    hasTotp: Type.Boolean(),
    /** An identity provider signs this person in. */
    hasSignOn: Type.Boolean(),
    csrfToken: Type.Optional(Type.String()),
  },
  closed,
);
export type Me = Static<typeof Me>;

/**
 * One rule of a role: what (rights; actions by name, `group.*` or `*`), where (every given part has to fit; `everywhere`
 * is said in so many words), how. A role may do what at least one of its rules allows; what no rule names is denied.
 */
export const AccessRule = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z][a-z0-9 -]{0,63}$',
      description: 'Named in answers to "why was this allowed"',
    }),
    what: Type.Array(
      Type.String({
        pattern:
          '^(read|shell|attach|edit-node|override-window|admin|action:(\\*|[a-z0-9-]{1,40}\\.(\\*|[a-z0-9-]{1,60})))$',
        description:
          'read, shell, attach (to shells of others), edit-node, override-window, admin, action:*, action:php.*, ...',
      }),
      { minItems: 1, maxItems: 50 },
    ),
    where: Type.Union([
      Type.Literal('everywhere'),
      Type.Object(
        {
          nodes: Type.Optional(Type.Array(Uuid, { maxItems: 1000 })),
          labels: Type.Optional(Labels),
          roles: Type.Optional(Type.Array(Role, { maxItems: 6, description: 'Any of them' })),
        },
        { additionalProperties: false, minProperties: 1 },
      ),
    ]),
    how: Type.Object(
      {
        runAs: Type.Array(Type.String({ pattern: '^(\\*|[a-z_][a-z0-9_-]{0,31})$' }), {
          maxItems: 50,
          description: 'Users of shells; * = any that the node allows',
        }),
        needsApproval: Type.Boolean({ description: 'Another person has to approve first' }),
        window: Type.Union([
          Type.Null(),
          Type.Object(
            {
              days: Type.Array(Type.Integer({ minimum: 0, maximum: 6 }), {
                maxItems: 7,
                description: 'UTC, 0 = Sunday',
              }),
              fromMinute: Type.Integer({ minimum: 0, maximum: 1440 }),
              toMinute: Type.Integer({ minimum: 0, maximum: 1440, description: 'Past midnight when it is the lower' }),
            },
            closed,
          ),
        ]),
      },
      closed,
    ),
  },
  closed,
);
export type AccessRule = Static<typeof AccessRule>;
export const AccessRules = Type.Array(AccessRule, { minItems: 1, maxItems: 20 });
export const RoleName = Type.String({ pattern: '^[a-z][a-z0-9-]{1,31}$' });
/** GET /api/roles: the built-in ones first; PUT /api/roles/:role {rules}; DELETE /api/roles/:role */
export const RoleRow = Type.Object(
  { name: Type.String(), isBuiltIn: Type.Boolean(), rules: Type.Array(AccessRule), people: Type.Integer() },
  closed,
);
export type RoleRow = Static<typeof RoleRow>;
export const RoleList = Type.Array(RoleRow);
export const RoleBody = Type.Object({ rules: AccessRules }, closed);

/** GET /api/people (owner): those who are here, by name. */
export const PersonRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    role: Type.String(),
    /** `invited`: has a link and no way to sign in yet. */
    state: Type.Enum(['active', 'invited']),
    createdAt: TimeMs,
    lastSeenAt: NullableTime,
    passkeys: Type.Integer(),
    hasPassword: Type.Boolean(),
    signOns: Type.Integer({ description: 'Identities of providers' }),
    sessions: Type.Integer(),
    tokens: Type.Integer(),
  },
  closed,
);
export type PersonRow = Static<typeof PersonRow>;
export const PersonList = Type.Array(PersonRow);
/** POST /api/people -> InviteMade; POST /api/people/:personId/invite {} makes another link and ends the one before. */
export const InviteRequest = Type.Object({ name: PersonName, role: RoleName }, closed);
export type InviteRequest = Static<typeof InviteRequest>;
export const InviteMade = Type.Object(
  { personId: Uuid, url: Type.String({ description: 'Shown once' }), expiresAt: TimeMs },
  closed,
);
export type InviteMade = Static<typeof InviteMade>;
/** PATCH /api/people/:personId */
export const PersonPatch = Type.Object({ role: RoleName }, closed);

/** POST /api/invite {token} -> whose link it is; POST /api/invite/passkey-options; POST /api/invite/accept -> Me, signed in. */
export const InviteToken = Type.Object({ token: Type.String({ maxLength: 200 }) }, closed);
export const InviteState = Type.Object({ name: Type.String(), role: Type.String(), passkeys: Type.Boolean() }, closed);
export type InviteState = Static<typeof InviteState>;
export const InviteAccept = Type.Object(
  {
    token: Type.String({ maxLength: 200 }),
    password: Type.Optional(Password),
    passkey: Type.Optional(WebAuthnJson),
  },
  closed,
);
export type InviteAccept = Static<typeof InviteAccept>;

/** GET /api/me/sessions, GET /api/people/:personId/sessions; DELETE of either with /:id. The id signs nobody in. */
export const SignInRow = Type.Object(
  {
    id: Type.String(),
    createdAt: TimeMs,
    lastUsedAt: TimeMs,
    expiresAt: TimeMs,
    address: Type.String(),
    userAgent: Type.String(),
    /** How it was opened: `passkey`, `password`, or `oidc:` and the provider. Null: before that was kept. */
    way: Type.Union([Type.Null(), Type.String()]),
    isThis: Type.Boolean(),
  },
  closed,
);
export type SignInRow = Static<typeof SignInRow>;
export const SignInList = Type.Array(SignInRow);
/** POST /api/me/totp {} -> a secret for the app; POST /api/me/totp/confirm {code} -> recovery codes, once; POST /api/me/totp/remove {code} */
export const TotpOffered = Type.Object({ secret: Type.String(), uri: Type.String() }, closed);
export type TotpOffered = Static<typeof TotpOffered>;
export const TotpCode = Type.Object({ code: Type.String({ minLength: 6, maxLength: 40 }) }, closed);
export const RecoveryCodes = Type.Object({ codes: Type.Array(Type.String()) }, closed);
export type RecoveryCodes = Static<typeof RecoveryCodes>;
/** GET /api/me/passkeys; POST /api/me/passkeys/options {} ; POST /api/me/passkeys {name, passkey}; DELETE /api/me/passkeys/:id */
export const PasskeyRow = Type.Object(
  { id: Type.String(), name: Type.String(), createdAt: TimeMs, lastUsedAt: NullableTime },
  closed,
);
export type PasskeyRow = Static<typeof PasskeyRow>;
export const PasskeyList = Type.Array(PasskeyRow);
export const PasskeyAdd = Type.Object({ name: Name, passkey: WebAuthnJson }, closed);
export type PasskeyAdd = Static<typeof PasskeyAdd>;

/** POST /api/people/:personId/offboard {} (owner): what was ended. The account stays as a name in the history only. */
export const Offboarded = Type.Object(
  {
    name: Type.String(),
    sessions: Type.Integer(),
    tokens: Type.Integer(),
    passkeys: Type.Integer(),
    invites: Type.Integer(),
    /** Sign-ins of command lines that waited for their token. */
    commandLines: Type.Integer(),
    /** Orders that had not gone out; those that a node has already are named, they cannot be called back. */
    ordersCancelled: Type.Integer(),
    ordersUnderWay: Type.Integer(),
    approvals: Type.Integer(),
    /** What owners have to do about the policy bundle, a sentence each; empty: nothing. */
    trust: Type.Array(Type.String()),
    shells: Type.Array(
      Type.Object(
        {
          id: Uuid,
          nodeId: Uuid,
          hostName: Type.String(),
          user: Type.String(),
          /** `waiting`: the node is away or has not answered yet; it is told as soon as it is back. */
          state: Type.Enum(['ended', 'waiting']),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type Offboarded = Static<typeof Offboarded>;

/** API tokens: POST /api/tokens {name, expiresInDays} -> the secret, once. GET /api/tokens; DELETE /api/tokens/:id */
export const TokenRequest = Type.Object(
  {
    name: Name,
    expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 })),
    /** What the token may do of what its person may; left out: all of it. */
    scope: Type.Optional(AccessRules),
  },
  closed,
);
export type TokenRequest = Static<typeof TokenRequest>;
export const TokenCreated = Type.Object({ id: Uuid, secret: Type.String() }, closed);
export type TokenCreated = Static<typeof TokenCreated>;
export const TokenRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    createdAt: TimeMs,
    expiresAt: TimeMs,
    lastUsedAt: NullableTime,
    scope: Type.Union([Type.Null(), Type.Array(AccessRule)]),
  },
  closed,
);
export type TokenRow = Static<typeof TokenRow>;
/** Of the person who asks, or of GET /api/people/:personId/tokens (owner), oldest first. */
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
