import Type, { type Static } from 'typebox';
import { UUID_PATTERN } from '../protocol/ids.ts';

/** Building blocks of the REST schemas. Times travel as Unix ms (UTC); pages show them in the reader's zone. */
export const Uuid = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
export const TimeMs = Type.Integer({ minimum: 0, description: 'Unix time in ms' });
export const NullableTime = Type.Union([TimeMs, Type.Null()]);
export const Name = Type.String({ minLength: 1, maxLength: 128 });
export const closed = { additionalProperties: false } as const;

/** The body of every refusal and failure. */
export const ErrorReply = Type.Object(
  { code: Type.String(), detail: Type.String(), retryable: Type.Boolean(), requestId: Type.Optional(Type.String()) },
  { title: 'Error' },
);
export type ErrorReply = Static<typeof ErrorReply>;
/** GET /api/health: the controller serves and its database answers; UNAVAILABLE otherwise. */
export const Health = Type.Object({ ok: Type.Literal(true), version: Type.String() }, { additionalProperties: false });
/** Answer of what has nothing to say: DELETE, sign-out, approvals. */
export const NoContent = Type.Object({}, closed);
/** Lists are read page by page: pass `cursor` of the last answer to go on; null means the end. */
export const Cursor = Type.Union([Type.String({ maxLength: 200 }), Type.Null()]);
export const PageQuery = {
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
};
