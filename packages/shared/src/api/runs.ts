import Type, { type Static } from 'typebox';
import { closed, Cursor, NullableTime, PageQuery, TimeMs, Uuid } from './primitives.ts';

/** The action catalogue and runs: one action on one or more nodes, planned or applied. */

/** GET /api/actions: one row an action; `args` is JSON Schema, from which forms and commands are made. */
export const ActionRow = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer(),
    title: Type.String(),
    docs: Type.String(),
    risk: Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high')]),
    roles: Type.Array(Type.String(), { description: 'Empty: any role' }),
    needsRoot: Type.Boolean(),
    readOnly: Type.Boolean(),
    args: Type.Unknown({ description: 'JSON Schema of the arguments' }),
    /** Arguments that the controller fills in when they are left out (a new uid). */
    filledIn: Type.Array(Type.String()),
  },
  closed,
);
export type ActionRow = Static<typeof ActionRow>;
export const ActionList = Type.Array(ActionRow);

export const TargetState = Type.Enum([
  'queued',
  'leased',
  'delivered',
  'started',
  'succeeded',
  'unchanged',
  'failed',
  'refused',
  'expired',
  'cancelled',
  'superseded',
  'undetermined',
]);
export type TargetState = Static<typeof TargetState>;

/** POST /api/runs -> RunDetail. The same idempotencyKey with the same content is the same run; with another content 409. */
export const RunRequest = Type.Object(
  {
    action: Type.String({ maxLength: 64 }),
    args: Type.Record(Type.String(), Type.Unknown()),
    nodes: Type.Array(Uuid, { minItems: 1, maxItems: 10_000 }),
    mode: Type.Union([Type.Literal('plan'), Type.Literal('apply')]),
    /** Hash of the plan that the person confirmed, for one node: refused when the plan differs by then. */
    planHash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    idempotencyKey: Type.Optional(Type.String({ minLength: 8, maxLength: 100 })),
    /** How long a node may take to start it, from now; default 60 s. An offline node gets it on return within this time. */
    startWithinMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: 43_200_000 })),
  },
  closed,
);
export type RunRequest = Static<typeof RunRequest>;

/** One change of a plan as people see it; `before` and `after` are texts to be shown as a diff, null = absent. */
export const PlannedChange = Type.Object(
  {
    kind: Type.String(),
    title: Type.String(),
    before: Type.Union([Type.String(), Type.Null()]),
    after: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
);
export type PlannedChange = Static<typeof PlannedChange>;
export const Plan = Type.Object(
  { hash: Type.String(), changes: Type.Array(PlannedChange), notes: Type.Array(Type.String()) },
  closed,
);
export type Plan = Static<typeof Plan>;

export const RunTarget = Type.Object(
  {
    orderId: Uuid,
    nodeId: Uuid,
    hostName: Type.String(),
    state: TargetState,
    code: Type.Union([Type.String(), Type.Null()]),
    detail: Type.String(),
    step: Type.Union([Type.String(), Type.Null()]),
    stepDone: Type.Integer(),
    stepTotal: Type.Integer(),
    plan: Type.Union([Plan, Type.Null()]),
    verification: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), saw: Type.String() }, closed)),
    data: Type.Unknown(),
    startedAt: NullableTime,
    finishedAt: NullableTime,
  },
  closed,
);
export type RunTarget = Static<typeof RunTarget>;

export const RunRow = Type.Object(
  {
    id: Uuid,
    action: Type.String(),
    mode: Type.String(),
    args: Type.Record(Type.String(), Type.Unknown()),
    requester: Type.String(),
    reason: Type.Union([Type.String(), Type.Null()]),
    createdAt: TimeMs,
    finishedAt: NullableTime,
    counts: Type.Record(Type.String(), Type.Integer(), { description: 'Targets by state' }),
  },
  closed,
);
export type RunRow = Static<typeof RunRow>;
/** GET /api/runs/:runId; ?waitMs=n answers as soon as the run has finished or the time is over. */
export const RunWait = Type.Object({ waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })) }, closed);
export const RunDetail = Type.Object({ ...RunRow.properties, targets: Type.Array(RunTarget) }, closed);
export type RunDetail = Static<typeof RunDetail>;
export const RunQuery = Type.Object(
  { action: Type.Optional(Type.String({ maxLength: 64 })), nodeId: Type.Optional(Uuid), ...PageQuery },
  closed,
);
export type RunQuery = Static<typeof RunQuery>;
export const RunPage = Type.Object({ runs: Type.Array(RunRow), cursor: Cursor }, closed);
export type RunPage = Static<typeof RunPage>;
