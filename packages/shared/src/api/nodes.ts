import Type, { type Static } from 'typebox';
import { LABEL_NAME, LABEL_VALUE, NODE_ROLES } from '../protocol/node-place.ts';
import { closed, Cursor, NullableTime, PageQuery, TimeMs, Uuid } from './primitives.ts';

/** Fleet, node, metrics, inventory, join tokens. */
export const Role = Type.Enum(NODE_ROLES);
export type Role = Static<typeof Role>;
/** As the link takes them: anything else would be refused by the node. */
export const Labels = Type.Record(
  Type.String({ pattern: LABEL_NAME.source }),
  Type.String({ pattern: LABEL_VALUE.source }),
  { additionalProperties: false, maxProperties: 32 },
);
export type Labels = Static<typeof Labels>;
/** `revoked` by a person, `locked` because two copies of it have connected: neither comes back before it is enrolled again. */
export const NodeState = Type.Union([
  Type.Literal('up'),
  Type.Literal('down'),
  Type.Literal('never-seen'),
  Type.Literal('revoked'),
  Type.Literal('locked'),
]);
export type NodeState = Static<typeof NodeState>;

/** The newest key figures, from live frames; null where the node has not told yet. */
export const KeyFigures = Type.Object(
  {
    cpuBusyRatio: Type.Union([Type.Number(), Type.Null()]),
    memoryUsedRatio: Type.Union([Type.Number(), Type.Null()]),
    load1: Type.Union([Type.Number(), Type.Null()]),
    fullestFsRatio: Type.Union([Type.Number(), Type.Null()]),
    failedUnits: Type.Union([Type.Number(), Type.Null()]),
  },
  closed,
);
export type KeyFigures = Static<typeof KeyFigures>;

export const NodeRow = Type.Object(
  {
    id: Uuid,
    hostName: Type.String(),
    labels: Labels,
    roles: Type.Array(Role),
    state: NodeState,
    os: Type.String(),
    agentVersion: Type.String(),
    isRoot: Type.Boolean({ description: 'The executor runs as root; without, most actions are refused' }),
    enrolledAt: TimeMs,
    lastSeenAt: NullableTime,
    figures: KeyFigures,
  },
  closed,
);
export type NodeRow = Static<typeof NodeRow>;

/** GET /api/nodes */
export const NodeQuery = Type.Object(
  {
    search: Type.Optional(Type.String({ maxLength: 200 })),
    role: Type.Optional(Role),
    label: Type.Optional(Type.String({ maxLength: 100, description: 'name=value' })),
    state: Type.Optional(NodeState),
    sort: Type.Optional(Type.Enum(['hostName', 'state', 'cpu', 'memory', 'load', 'lastSeenAt'])),
    order: Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')])),
    ...PageQuery,
  },
  closed,
);
export type NodeQuery = Static<typeof NodeQuery>;
export const NodePage = Type.Object({ nodes: Type.Array(NodeRow), total: Type.Integer(), cursor: Cursor }, closed);
export type NodePage = Static<typeof NodePage>;

/** GET /api/nodes/:nodeId */
export const NodeDetail = Type.Object(
  {
    ...NodeRow.properties,
    bootId: Type.Union([Type.String(), Type.Null()]),
    bootedAt: NullableTime,
    connectedAt: NullableTime,
    remoteAddress: Type.Union([Type.String(), Type.Null()]),
    policyText: Type.String({ description: "The node's own policy file, as the node shows it" }),
    actions: Type.Array(Type.Object({ name: Type.String(), version: Type.Integer() }, closed)),
    openShells: Type.Integer(),
    spoolChunks: Type.Integer(),
    bar: Type.Union([
      Type.Object({ at: TimeMs, by: Type.String(), reason: Type.String() }, closed),
      Type.Null({ description: 'The node is neither revoked nor locked' }),
    ]),
  },
  closed,
);
export type NodeDetail = Static<typeof NodeDetail>;

/** A key that a node signs, or signed, its receipts and recordings with: an Ed25519 public key, base64url. */
export const NodeKey = Type.Object(
  { key: Type.String(), sinceAt: TimeMs, untilAt: Type.Union([TimeMs, Type.Null({ description: 'It counts now' })]) },
  closed,
);
export type NodeKey = Static<typeof NodeKey>;

/** PATCH /api/nodes/:nodeId -> NodeDetail (operator); DELETE /api/nodes/:nodeId removes it for good (owner) */
export const NodePatch = Type.Object(
  { labels: Type.Optional(Labels), roles: Type.Optional(Type.Array(Role, { maxItems: 6 })) },
  closed,
);
export type NodePatch = Static<typeof NodePatch>;

/** POST /api/nodes/:nodeId/revoke -> NodeDetail; POST /api/nodes/:nodeId/re-enrol -> JoinTokenCreated (owner) */
export const NodeRevoke = Type.Object({ reason: Type.String({ minLength: 1, maxLength: 500 }) }, closed);
export type NodeRevoke = Static<typeof NodeRevoke>;

/** GET /api/nodes/:nodeId/series -> names with unit; GET /api/nodes/:nodeId/metrics */
export const SeriesRow = Type.Object(
  { name: Type.String(), family: Type.String(), unit: Type.String(), says: Type.String() },
  closed,
);
export type SeriesRow = Static<typeof SeriesRow>;
export const MetricQuery = Type.Object(
  {
    series: Type.String({ maxLength: 4000, description: 'Comma-separated names; a trailing * matches a prefix' }),
    from: TimeMs,
    to: TimeMs,
    points: Type.Optional(
      Type.Integer({ minimum: 10, maximum: 2000, description: 'At most this many points; larger ranges are averaged' }),
    ),
    extremes: Type.Optional(Type.Boolean({ description: 'Give the lowest and highest sample of each point too' })),
  },
  closed,
);
export type MetricQuery = Static<typeof MetricQuery>;
/** Column form: `times[i]` belongs to `series[n].values[i]`; null is a gap. */
export const MetricReply = Type.Object(
  {
    times: Type.Array(TimeMs),
    stepMs: Type.Integer(),
    series: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          unit: Type.String(),
          values: Type.Array(Type.Union([Type.Number(), Type.Null()])),
          /** With `extremes` only. */
          min: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.Null()]))),
          max: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.Null()]))),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type MetricReply = Static<typeof MetricReply>;

/** GET /api/nodes/:nodeId/inventory and .../inventory/changes */
export const InventoryReply = Type.Object(
  {
    sections: Type.Array(
      Type.Object({ name: Type.String(), takenAt: TimeMs, changedAt: TimeMs, data: Type.Unknown() }, closed),
    ),
  },
  closed,
);
export type InventoryReply = Static<typeof InventoryReply>;
export const InventoryChange = Type.Object(
  { section: Type.String(), at: TimeMs, path: Type.String(), before: Type.Unknown(), after: Type.Unknown() },
  closed,
);
export type InventoryChange = Static<typeof InventoryChange>;
export const InventoryChangePage = Type.Object({ changes: Type.Array(InventoryChange), cursor: Cursor }, closed);
export type InventoryChangePage = Static<typeof InventoryChangePage>;

/** POST /api/join-tokens; GET; DELETE /api/join-tokens/:id */
export const JoinTokenRequest = Type.Object(
  {
    uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_080 })),
    labels: Type.Optional(Labels),
    roles: Type.Optional(Type.Array(Role, { maxItems: 6 })),
    hostName: Type.Optional(Type.String({ maxLength: 253 })),
  },
  closed,
);
export type JoinTokenRequest = Static<typeof JoinTokenRequest>;
export const JoinTokenCreated = Type.Object(
  {
    id: Uuid,
    token: Type.String({ description: 'Shown once' }),
    expiresAt: TimeMs,
    command: Type.String({ description: 'What to type on the node' }),
  },
  closed,
);
export type JoinTokenCreated = Static<typeof JoinTokenCreated>;
export const JoinTokenRow = Type.Object(
  {
    id: Uuid,
    createdAt: TimeMs,
    expiresAt: TimeMs,
    usesLeft: Type.Integer(),
    labels: Labels,
    roles: Type.Array(Role),
    hostName: Type.Union([Type.String(), Type.Null()]),
    createdBy: Type.String(),
  },
  closed,
);
export type JoinTokenRow = Static<typeof JoinTokenRow>;
/** GET /api/join-tokens: those that can still be used, newest first. */
export const JoinTokenList = Type.Array(JoinTokenRow);
