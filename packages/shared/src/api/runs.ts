import Type, { type Static } from 'typebox';
import { closed, Cursor, NullableTime, PageQuery, TimeMs, Uuid } from './primitives.ts';
import { Rollout, Strategy } from './run-strategy.ts';

/** The action catalogue and runs: one action, or a sequence of them, on one or more nodes, planned or applied. */

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

/** `waiting`: nothing of it is signed yet; its wave, or the step before it, is not done. */
export const TargetState = Type.Enum([
  'waiting',
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

const SupersedeKey = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$' });
const Reason = Type.String({ maxLength: 500 });
const IdempotencyKey = Type.String({ minLength: 8, maxLength: 100 });

/** One of the actions of a run. */
export const RunStep = Type.Object(
  { action: Type.String({ maxLength: 64 }), args: Type.Record(Type.String(), Type.Unknown()) },
  closed,
);
export type RunStep = Static<typeof RunStep>;

/**
 * POST /api/runs -> RunDetail. Say what (`action` and `args`, or `steps`) and where (`nodes` or `on`). The same
 * idempotencyKey with the same content is the same run; with another content 409.
 */
export const RunRequest = Type.Object(
  {
    action: Type.Optional(Type.String({ maxLength: 64 })),
    args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** In place of action and args: each waits for the success of the one before it on the same node. */
    steps: Type.Optional(Type.Array(RunStep, { minItems: 1, maxItems: 10 })),
    nodes: Type.Optional(Type.Array(Uuid, { minItems: 1, maxItems: 10_000 })),
    /** In place of nodes: a selector, resolved once, when the run is made. */
    on: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    mode: Type.Union([Type.Literal('plan'), Type.Literal('apply')]),
    /** Hash of the plan that the person confirmed, for one node: refused when the plan differs by then. */
    planHash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    /**
     * The plans that the person confirmed, for many: a run of mode plan with the same content. Each node gets the hash
     * of its own plan there and refuses when it differs by then (PLAN_CHANGED). With `hashes`, only nodes with one of
     * these plans take part. A node without a confirmed plan is left out: cancelled, without an order.
     */
    confirms: Type.Optional(
      Type.Object(
        {
          run: Uuid,
          hashes: Type.Optional(
            Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { minItems: 1, maxItems: 1000 }),
          ),
        },
        closed,
      ),
    ),
    /** Left out: safe waves for a change on more than one node; else all at once. */
    strategy: Type.Optional(Type.Union([Type.Literal('at-once'), Strategy])),
    /** What is still queued of older runs of the same action with the same key is superseded on these nodes. */
    supersedeKey: Type.Optional(SupersedeKey),
    reason: Type.Optional(Reason),
    idempotencyKey: Type.Optional(IdempotencyKey),
    /**
     * How long a node may take to start it, from the moment at which its order is made (its wave begins); default 60 s.
     * An offline node gets it on return within this time.
     */
    startWithinMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: 43_200_000 })),
    /** Maintenance windows are not waited for: takes the right override-window on every node, and a reason. */
    overrideWindows: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type RunRequest = Static<typeof RunRequest>;

/** POST /api/runs/targets -> TargetsReply: which nodes a selector means now, of those that the caller may read. */
export const TargetsRequest = Type.Object(
  {
    on: Type.String({ minLength: 1, maxLength: 2000 }),
    /** Actions that are meant to run there: nodes where the caller may not are counted. */
    actions: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 10 })),
  },
  closed,
);
export type TargetsRequest = Static<typeof TargetsRequest>;
export const TargetsReply = Type.Object(
  {
    /** At most 1,000 of them, by host name. */
    nodes: Type.Array(Type.Object({ id: Uuid, hostName: Type.String(), isOnline: Type.Boolean() }, closed)),
    total: Type.Integer({ description: 'Nodes that it means' }),
    online: Type.Integer(),
    forbidden: Type.Integer({ description: 'Nodes on which the caller may not run these actions: a run is refused' }),
  },
  closed,
);
export type TargetsReply = Static<typeof TargetsReply>;

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
    /** Which step of the run this is the order of, from 0. */
    position: Type.Integer(),
    /** From 0; a run at once has one. */
    wave: Type.Integer(),
    /** Why the node was found unhealthy after it succeeded. Counted as a failure. */
    harm: Type.Union([Type.String(), Type.Null()]),
    /** The order that this one takes back, after the run was stopped. */
    undoes: Type.Union([Uuid, Type.Null()]),
    code: Type.Union([Type.String(), Type.Null()]),
    detail: Type.String(),
    step: Type.Union([Type.String(), Type.Null()]),
    stepDone: Type.Integer(),
    stepTotal: Type.Integer(),
    /** The last of what its programs printed, while they run (rule ORDER15). Afterwards it is in `data.output`. */
    output: Type.Optional(Type.String()),
    plan: Type.Union([Plan, Type.Null()]),
    verification: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), saw: Type.String() }, closed)),
    data: Type.Unknown(),
    startedAt: NullableTime,
    finishedAt: NullableTime,
  },
  closed,
);
export type RunTarget = Static<typeof RunTarget>;

/** `stopped`: too many nodes failed. A run that is over stays stopped or cancelled, if it was. */
export const RunState = Type.Enum(['running', 'paused', 'stopped', 'cancelled', 'finished']);
export type RunState = Static<typeof RunState>;

export const RunRow = Type.Object(
  {
    id: Uuid,
    /** Of the first step. */
    action: Type.String(),
    mode: Type.String(),
    args: Type.Record(Type.String(), Type.Unknown()),
    /** All of them, when there are more than one; else empty. */
    steps: Type.Array(RunStep),
    /** The selector that it was started with. */
    on: Type.Union([Type.String(), Type.Null()]),
    requester: Type.String(),
    reason: Type.Union([Type.String(), Type.Null()]),
    state: RunState,
    /** What it waits for, or why it stopped. One sentence. */
    says: Type.Union([Type.String(), Type.Null()]),
    /** Null: all at once. */
    rollout: Type.Union([Rollout, Type.Null()]),
    /** The wave that goes now, from 0. */
    wave: Type.Integer(),
    nodeCount: Type.Integer(),
    retryOf: Type.Union([Uuid, Type.Null()]),
    supersedeKey: Type.Union([Type.String(), Type.Null()]),
    createdAt: TimeMs,
    finishedAt: NullableTime,
    /**
     * `failed`, `refused`, `undetermined` and `harmed` (unhealthy after success) are failures of execution; `expired` is one of
     * delivery and does not count against the threshold. Orders that take others back are counted as `undo-STATE`.
     */
    counts: Type.Record(Type.String(), Type.Integer(), { description: 'Orders by state; with several steps, of all' }),
  },
  closed,
);
export type RunRow = Static<typeof RunRow>;
/** GET /api/runs/:runId; ?waitMs=n answers as soon as the run has finished or the time is over. */
export const RunWait = Type.Object({ waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })) }, closed);
export const RunDetail = Type.Object(
  {
    ...RunRow.properties,
    targets: Type.Array(RunTarget, { description: 'The first 500; all: /api/runs/:runId/targets' }),
  },
  closed,
);
export type RunDetail = Static<typeof RunDetail>;

/** GET /api/runs: runs, newest first. `text` is looked for in reason, action, arguments and selector. */
export const RunQuery = Type.Object(
  {
    action: Type.Optional(Type.String({ maxLength: 64 })),
    nodeId: Type.Optional(Uuid),
    requester: Type.Optional(Type.String({ maxLength: 128 })),
    state: Type.Optional(RunState),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    ...PageQuery,
  },
  closed,
);
export type RunQuery = Static<typeof RunQuery>;
export const RunPage = Type.Object({ runs: Type.Array(RunRow), cursor: Cursor }, closed);
export type RunPage = Static<typeof RunPage>;

/** GET /api/runs/:runId/targets: page by page, by node and step. `cause` is the key of a failure group. */
export const RunTargetQuery = Type.Object(
  {
    state: Type.Optional(TargetState),
    cause: Type.Optional(Type.String({ pattern: '^[0-9a-f]{16}$' })),
    wave: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    nodeId: Type.Optional(Uuid),
    ...PageQuery,
  },
  closed,
);
export type RunTargetQuery = Static<typeof RunTargetQuery>;
export const RunTargetPage = Type.Object({ targets: Type.Array(RunTarget), cursor: Cursor }, closed);
export type RunTargetPage = Static<typeof RunTargetPage>;

const SomeNodes = Type.Array(Type.Object({ nodeId: Uuid, hostName: Type.String() }, closed), {
  description: 'The first 20 of them',
});
/** GET /api/runs/:runId/failures: what did not end well, by cause, the most frequent first. */
export const FailureGroup = Type.Object(
  {
    cause: Type.String(),
    state: TargetState,
    code: Type.Union([Type.String(), Type.Null()]),
    /** The sentence, with what differs from node to node (numbers, names, ids) left out. */
    says: Type.String(),
    /** Of one of the nodes, as it is. */
    example: Type.String(),
    count: Type.Integer(),
    nodes: SomeNodes,
  },
  closed,
);
export type FailureGroup = Static<typeof FailureGroup>;
export const FailureGroups = Type.Array(FailureGroup);

/** GET /api/runs/:runId/plan: the plans of all nodes as one. For runs of mode plan. */
export const PlanGroup = Type.Object(
  {
    /** `failed`: it could not be planned, or the node did not answer in time. */
    kind: Type.Enum(['changes', 'nothing', 'refused', 'failed', 'pending']),
    position: Type.Integer(),
    /** Of the plan, for `confirms`; null when there is none. */
    hash: Type.Union([Type.String(), Type.Null()]),
    /** "37 nodes: create user", "1 node: refused, disk full". */
    says: Type.String(),
    count: Type.Integer(),
    plan: Type.Union([Plan, Type.Null()]),
    nodes: SomeNodes,
  },
  closed,
);
export type PlanGroup = Static<typeof PlanGroup>;
export const MergedPlan = Type.Object({ isComplete: Type.Boolean(), groups: Type.Array(PlanGroup) }, closed);
export type MergedPlan = Static<typeof MergedPlan>;

/**
 * GET /api/runs/:runId/grid: every node of a run with its state, small enough to be read again each second. The nodes of a
 * run do not change: `?part=states` leaves them out.
 */
export const RunGridQuery = Type.Object({ part: Type.Optional(Type.Literal('states')) }, closed);
export type RunGridQuery = Static<typeof RunGridQuery>;
export const RunGrid = Type.Object(
  {
    /** By wave, then by id. */
    nodes: Type.Optional(Type.Array(Type.Object({ id: Uuid, hostName: Type.String(), wave: Type.Integer() }, closed))),
    /** States as `counts` names them. */
    legend: Type.Array(Type.String()),
    /** One letter a node, in the order of `nodes`: `a` is the first of the legend. */
    states: Type.String(),
  },
  closed,
);
export type RunGrid = Static<typeof RunGrid>;

/** POST /api/runs/:runId/cancel, .../pause, .../resume, .../undo -> RunChange. */
export const RunChangeRequest = Type.Object({ reason: Type.Optional(Reason) }, closed);
export type RunChangeRequest = Static<typeof RunChangeRequest>;
export const RunChange = Type.Object(
  {
    run: RunRow,
    /** Orders that will not go out any more. */
    cancelled: Type.Integer(),
    /** Orders that a node has: it ends them, whatever happens here. */
    underWay: Type.Integer(),
  },
  closed,
);
export type RunChange = Static<typeof RunChange>;

/** POST /api/runs/:runId/retry -> RunDetail of a new run of the same content, on the nodes that did not end well. */
export const RunRetryRequest = Type.Object(
  {
    /** `failed` (default): failed, refused, undetermined, harmed or expired; `unfinished`: and those that were cancelled. */
    what: Type.Optional(Type.Enum(['failed', 'unfinished'])),
    /** Only those of this group of /failures. */
    cause: Type.Optional(Type.String({ pattern: '^[0-9a-f]{16}$' })),
    strategy: Type.Optional(Type.Union([Type.Literal('at-once'), Strategy])),
    reason: Type.Optional(Reason),
    idempotencyKey: Type.Optional(IdempotencyKey),
  },
  closed,
);
export type RunRetryRequest = Static<typeof RunRetryRequest>;
