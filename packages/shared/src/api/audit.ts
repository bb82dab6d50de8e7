import Type, { type Static } from 'typebox';
import { closed, Cursor, PageQuery, TimeMs, Uuid } from './primitives.ts';

/** GET /api/audit */
export const AuditRow = Type.Object(
  {
    seq: Type.Integer(),
    at: TimeMs,
    code: Type.String(),
    title: Type.String(),
    who: Type.String(),
    from: Type.Union([Type.String(), Type.Null()]),
    nodeId: Type.Union([Uuid, Type.Null()]),
    hostName: Type.Union([Type.String(), Type.Null()]),
    orderId: Type.Union([Uuid, Type.Null()]),
    outcome: Type.Union([Type.Literal('ok'), Type.Literal('refused'), Type.Literal('failed')]),
    detail: Type.Record(Type.String(), Type.Unknown()),
    hash: Type.String(),
  },
  closed,
);
export type AuditRow = Static<typeof AuditRow>;
export const AuditQuery = Type.Object(
  {
    code: Type.Optional(Type.String({ maxLength: 64 })),
    who: Type.Optional(Type.String({ maxLength: 128 })),
    nodeId: Type.Optional(Uuid),
    outcome: Type.Optional(Type.String({ maxLength: 10 })),
    from: Type.Optional(TimeMs),
    to: Type.Optional(TimeMs),
    ...PageQuery,
  },
  closed,
);
export type AuditQuery = Static<typeof AuditQuery>;
export const AuditPage = Type.Object({ rows: Type.Array(AuditRow), cursor: Cursor }, closed);
export type AuditPage = Static<typeof AuditPage>;

/** GET /api/audit/state: how far the log is signed, who keeps its heads, and what was found out about it. */
export const AuditState = Type.Object(
  {
    controllerId: Uuid,
    /** Public key that heads are signed by, base64url: what `hauban audit verify --key` takes. */
    key: Type.String(),
    rows: Type.Integer(),
    head: Type.Union([Type.Object({ seq: Type.Integer(), hash: Type.String(), at: TimeMs }, closed), Type.Null()]),
    witnesses: Type.Array(
      Type.Object(
        {
          kind: Type.Union([Type.Literal('file'), Type.Literal('url')]),
          where: Type.String(),
          seq: Type.Union([Type.Integer(), Type.Null()]),
          problem: Type.Union([Type.String(), Type.Null()]),
        },
        closed,
      ),
    ),
    findings: Type.Array(
      Type.Object(
        {
          id: Uuid,
          kind: Type.Union([Type.Literal('behind'), Type.Literal('differs')]),
          seq: Type.Integer(),
          nodeId: Type.Union([Uuid, Type.Null()]),
          hostName: Type.Union([Type.String(), Type.Null()]),
          foundAt: TimeMs,
        },
        closed,
      ),
    ),
  },
  closed,
);
export type AuditState = Static<typeof AuditState>;

/** GET /api/audit/:seq/why: what is stored about why it was allowed. */
export const AuditWhy = Type.Object(
  {
    seq: Type.Integer(),
    who: Type.String(),
    role: Type.Union([Type.String(), Type.Null()]),
    /** The rule that decided, when it was written down. */
    rule: Type.Union([Type.String(), Type.Null()]),
    runId: Type.Union([Type.String(), Type.Null()]),
    sessionId: Type.Union([Type.String(), Type.Null()]),
    order: Type.Union([
      Type.Object(
        {
          id: Uuid,
          hash: Type.Union([Type.String(), Type.Null()]),
          isSigned: Type.Boolean(),
          /** What the signed text itself says. */
          said: Type.Union([
            Type.Object(
              {
                what: Type.String(),
                requester: Type.String(),
                via: Type.String(),
                reason: Type.Union([Type.String(), Type.Null()]),
                issuedAt: TimeMs,
                expiresAt: TimeMs,
                /** How many operators' assertions it carries. */
                approvals: Type.Integer(),
              },
              closed,
            ),
            Type.Null(),
          ]),
        },
        closed,
      ),
      Type.Null(),
    ]),
    /** The node's own policy file as it last told it. */
    policy: Type.Union([Type.Object({ text: Type.String(), hash: Type.String() }, closed), Type.Null()]),
  },
  closed,
);
export type AuditWhy = Static<typeof AuditWhy>;
