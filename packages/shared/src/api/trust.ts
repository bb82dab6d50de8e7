import Type, { type Static } from 'typebox';
import { closed, NullableTime, TimeMs, Uuid } from './primitives.ts';
import { AccessRule, WebAuthnJson } from './people.ts';

/**
 * The policy bundle, and approvals.
 *
 * GET /api/trust -> TrustState. POST /api/trust/draft: a new version from the people as they are now, with these rules.
 * POST /api/trust/options {} -> WebAuthn request options; the browser's answer goes to POST /api/trust/approve.
 * When as many owners as the version before asks for have approved, it is signed and sent to the nodes.
 *
 * GET /api/approvals: runs and shells that wait. POST /api/approvals/:requestId/options {} -> WebAuthn request options;
 * POST /api/approvals/:requestId with the answer; POST /api/approvals/:requestId/deny ends it. A shell that needs approval
 * is answered with APPROVAL_NEEDED; asked for again after it was approved, by the same person, it opens.
 */
const Approvals = Type.Integer({ minimum: 0, maximum: 4 });
/** Approvals of different people: an action of high risk, a shell as root, any other shell. */
export const TrustNeeds = Type.Object({ high: Approvals, rootShell: Approvals, shell: Approvals }, closed);
export const TrustLimits = Type.Object(
  {
    startMs: Type.Integer({ minimum: 60_000, maximum: 3_600_000 }),
    queuedMs: Type.Integer({ minimum: 60_000, maximum: 43_200_000 }),
    ordersPerMinute: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  },
  closed,
);
/** One of the hoster's own actions: its name without `custom.`, and what `hauban-agent custom-hash` prints for it. */
export const CustomPin = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' }),
    hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    allowRoot: Type.Boolean({ description: 'May it run as root?' }),
  },
  closed,
);
export type CustomPin = Static<typeof CustomPin>;
export const TrustDraftRequest = Type.Object(
  {
    quorum: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })),
    needs: Type.Optional(TrustNeeds),
    limits: Type.Optional(TrustLimits),
    /** Left out: false where enough people have a passkey, else true. */
    requesterMayApprove: Type.Optional(Type.Boolean()),
    /** The only custom actions that run on any node; null: each node's policy file decides. Left out: as before. */
    custom: Type.Optional(Type.Union([Type.Array(CustomPin, { maxItems: 200 }), Type.Null()])),
  },
  closed,
);
export type TrustDraftRequest = Static<typeof TrustDraftRequest>;

const TrustOperator = Type.Object(
  { id: Uuid, name: Type.String(), isOwner: Type.Boolean(), passkeys: Type.Integer() },
  closed,
);
const TrustVersion = Type.Object(
  {
    version: Type.Integer(),
    hash: Type.String({ description: 'Hex SHA-256; what owners approve' }),
    issuedAt: TimeMs,
    operators: Type.Array(TrustOperator),
    quorum: Type.Integer(),
    needs: TrustNeeds,
    limits: Type.Object({ startMs: Type.Integer(), queuedMs: Type.Integer(), ordersPerMinute: Type.Integer() }, closed),
    requesterMayApprove: Type.Boolean({ description: 'May who asked approve it too?' }),
    custom: Type.Union([Type.Array(CustomPin), Type.Null()], {
      description: 'The only custom actions that run on any node; null: each node’s policy file decides',
    }),
    access: Type.Union(
      [
        Type.Object(
          {
            roles: Type.Array(Type.Object({ name: Type.String(), rules: Type.Array(AccessRule) }, closed)),
            people: Type.Array(Type.Object({ id: Uuid, role: Type.String() }, closed)),
          },
          closed,
        ),
        Type.Null(),
      ],
      { description: 'Roles by which the signer decides; null: it goes by none' },
    ),
  },
  closed,
);
export type TrustVersion = Static<typeof TrustVersion>;
export const TrustState = Type.Object(
  {
    /** Null: there is none yet, and nothing needs approval. */
    current: Type.Union([TrustVersion, Type.Null()]),
    draft: Type.Union([
      Type.Object(
        {
          bundle: TrustVersion,
          draftedBy: Type.String(),
          draftedAt: TimeMs,
          /** Approvals that it needs, and who gave one. */
          needed: Type.Integer(),
          approvedBy: Type.Array(Type.String()),
        },
        closed,
      ),
      Type.Null(),
    ]),
    /** Version that each node said it holds; 0: none. */
    nodes: Type.Array(
      Type.Object(
        {
          nodeId: Uuid,
          hostName: Type.String(),
          version: Type.Integer(),
          authority: Type.Integer(),
          saidAt: NullableTime,
        },
        closed,
      ),
    ),
    /** The key that orders are signed with, and how many nodes obey it. */
    authority: Type.Object(
      {
        version: Type.Integer(),
        /** When it followed on the one before; null: it is the first. */
        since: NullableTime,
        /** Until then nodes take the one before it as well. */
        retireAt: NullableTime,
        followed: Type.Integer(),
        nodes: Type.Integer(),
        /** POST /api/trust/authority/options and /approve, as with the bundle. */
        draft: Type.Union([
          Type.Object(
            {
              hash: Type.String(),
              version: Type.Integer(),
              retireAt: TimeMs,
              draftedBy: Type.String(),
              draftedAt: TimeMs,
              needed: Type.Integer(),
              approvedBy: Type.Array(Type.String()),
            },
            closed,
          ),
          Type.Null(),
        ]),
      },
      closed,
    ),
    /** The key that this controller proves itself with, and how many nodes go by it. */
    linkKey: Type.Object(
      {
        version: Type.Integer(),
        /** When it followed on the one before; null: it is the first. */
        since: NullableTime,
        /** Until then nodes take the one before it as well. */
        retireAt: NullableTime,
        followed: Type.Integer(),
        nodes: Type.Integer(),
      },
      closed,
    ),
    /** What is missing, a sentence each, the worst first. */
    missing: Type.Array(Type.String()),
  },
  closed,
);
export type TrustState = Static<typeof TrustState>;
export const TrustApproval = Type.Object(
  { hash: Type.String({ pattern: '^[0-9a-f]{64}$' }), passkey: WebAuthnJson },
  closed,
);
export type TrustApproval = Static<typeof TrustApproval>;

export const ApprovalRow = Type.Object(
  {
    id: Uuid,
    kind: Type.Enum(['run', 'shell']),
    /** What is approved, in words: first what, then a line each for where, how and why. */
    words: Type.Array(Type.String()),
    requester: Type.String(),
    askedAt: TimeMs,
    expiresAt: TimeMs,
    needed: Type.Integer(),
    /** A role wants another person, who may do it too. */
    byAnother: Type.Boolean(),
    approvedBy: Type.Array(Type.String()),
    /** The caller has not approved it yet, has a passkey that counts for it or may use the password, and may do it too. */
    mayApprove: Type.Boolean(),
    /** With the password: there is no policy bundle, and the caller has no passkey. */
    byPassword: Type.Boolean(),
  },
  closed,
);
export type ApprovalRow = Static<typeof ApprovalRow>;
export const ApprovalList = Type.Array(ApprovalRow);
/** The browser's answer; without a policy bundle, of who has no passkey, the password and the code of the second factor. */
export const ApprovalAnswer = Type.Object(
  {
    passkey: Type.Optional(WebAuthnJson),
    password: Type.Optional(Type.String({ maxLength: 256 })),
    code: Type.Optional(Type.String({ maxLength: 40 })),
  },
  closed,
);
export type ApprovalAnswer = Static<typeof ApprovalAnswer>;
/** How it stands after an answer. */
export const ApprovalOutcome = Type.Object(
  { state: Type.Enum(['waiting', 'approved', 'denied', 'expired', 'used']), missing: Type.Integer() },
  closed,
);
export type ApprovalOutcome = Static<typeof ApprovalOutcome>;
export const ApprovalDenial = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 300 })) }, closed);
