import Type, { type Static } from 'typebox';
import { NodeKey } from './nodes.ts';
import { closed, Cursor, NullableTime, PageQuery, TimeMs, Uuid } from './primitives.ts';

/**
 * Shells and recordings.
 *
 * POST /api/nodes/:nodeId/shells opens one (the permit is signed and sent; the answer comes when the node has
 * started or refused it). Then WebSocket /api/shells/:sessionId/socket (ticket or bearer), binary messages both
 * ways: operation (1 byte, SHELL_OPS of the protocol) and body, as a shell frame without the session. The first
 * message of the client is `attach` with the offset it wants; it pays `credit` for output that it has shown.
 */
export const ShellRequest = Type.Object(
  {
    user: Type.Optional(
      Type.String({
        pattern: '^[a-z_][a-z0-9_-]{0,31}$',
        description: 'Login name on the node; left out: the first that the policy allows',
      }),
    ),
    columns: Type.Integer({ minimum: 1, maximum: 1000 }),
    rows: Type.Integer({ minimum: 1, maximum: 1000 }),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);
export type ShellRequest = Static<typeof ShellRequest>;
export const SessionState = Type.Enum(['requested', 'open', 'ended', 'refused']);
export type SessionState = Static<typeof SessionState>;
export const SessionRow = Type.Object(
  {
    id: Uuid,
    nodeId: Uuid,
    hostName: Type.String(),
    user: Type.String(),
    openedBy: Type.String(),
    state: SessionState,
    detail: Type.String(),
    requestedAt: TimeMs,
    endedAt: NullableTime,
    /** Recording: chunks stored, output bytes, and whether the chain is whole up to here and closed. */
    chunks: Type.Integer(),
    outputBytes: Type.Integer(),
    durationMs: Type.Integer(),
    recording: Type.Enum(['recording', 'complete', 'broken', 'none']),
  },
  closed,
);
export type SessionRow = Static<typeof SessionRow>;
export const ShellOpened = Type.Object({ sessionId: Uuid }, closed);
export type ShellOpened = Static<typeof ShellOpened>;
/** GET /api/shells?open=true and GET /api/recordings; one of either: GET /api/shells/:sessionId -> SessionRow. */
export const SessionQuery = Type.Object(
  {
    nodeId: Type.Optional(Uuid),
    openedBy: Type.Optional(Type.String({ maxLength: 64 })),
    open: Type.Optional(Type.Boolean()),
    ...PageQuery,
  },
  closed,
);
export type SessionQuery = Static<typeof SessionQuery>;
export const SessionPage = Type.Object({ sessions: Type.Array(SessionRow), cursor: Cursor }, closed);
export type SessionPage = Static<typeof SessionPage>;
/** GET /api/recordings/:sessionId/cast: asciicast v3 text. GET /api/recordings/:sessionId/chunks: signed chunks for an offline check. */
export const RecordingChunks = Type.Object(
  {
    receiptKeys: Type.Array(NodeKey, { description: 'Every key of the node, the oldest first' }),
    chunks: Type.Array(
      Type.Object(
        { jws: Type.String(), data: Type.String({ description: 'base64url of the deflated events' }) },
        closed,
      ),
    ),
  },
  closed,
);
export type RecordingChunks = Static<typeof RecordingChunks>;
