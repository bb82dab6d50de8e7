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
