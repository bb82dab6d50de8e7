import Type, { type Static } from 'typebox';
import { closed, NullableTime, TimeMs, Uuid } from './primitives.ts';
import { PlannedChange } from './runs.ts';
import { Strategy } from './run-strategy.ts';

/** Pools: nodes that shall all be in one wished state, and how they differ from it. */

const PoolName = Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$', description: 'Lower-case letters, digits and -' });
const Reason = Type.String({ maxLength: 500 });
const ActionName = Type.String({ maxLength: 64 });
const Args = Type.Record(Type.String(), Type.Unknown());

/** POST /api/pools, PUT /api/pools/:poolId. Members are these nodes, or those that `on` means at the moment. */
export const PoolRequest = Type.Object(
  {
    name: PoolName,
    nodes: Type.Optional(Type.Array(Uuid, { maxItems: 1000 })),
    on: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    /** `show` (default): nothing is put right without a person; `auto`: what differs twice in a row is. */
    repair: Type.Optional(Type.Enum(['show', 'auto'])),
    /** Wishes that `auto` may put right in an hour, on all nodes together; default 20. */
    budget: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    /** How often each node is compared; default 60. */
    compareMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1440 })),
  },
  closed,
);
export type PoolRequest = Static<typeof PoolRequest>;

export const PoolItemRow = Type.Object(
  {
    id: Uuid,
    key: Type.String({ description: 'What it is about: the last wish about a thing counts' }),
    action: Type.String(),
    args: Args,
    addedAt: TimeMs,
    addedBy: Type.String(),
    runId: Type.Union([Uuid, Type.Null()]),
  },
  closed,
);
export type PoolItemRow = Static<typeof PoolItemRow>;

/** What is done on one node: a compare, a repair, or the whole state brought to a node that joins. */
export const PoolWorkRow = Type.Object(
  {
    id: Uuid,
    nodeId: Uuid,
    kind: Type.Enum(['compare', 'repair', 'join']),
    requester: Type.String(),
    says: Type.String(),
    done: Type.Integer({ description: 'Wishes that were put right' }),
    failed: Type.Array(Type.Object({ itemId: Uuid, says: Type.String() }, closed)),
    createdAt: TimeMs,
    finishedAt: NullableTime,
    /** Null while it goes on. Of a join: the node was seen to be as wished. */
    isWell: Type.Union([Type.Boolean(), Type.Null()]),
  },
  closed,
);
export type PoolWorkRow = Static<typeof PoolWorkRow>;
export const PoolWorkList = Type.Array(PoolWorkRow);
/** GET /api/pools/:poolId/work, the newest first; the next page begins after the last row of the one before. */
export const PoolWorkQuery = Type.Object(
  { after: Type.Optional(Uuid), limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })) },
  closed,
);

export const PoolMember = Type.Object(
  {
    nodeId: Uuid,
    hostName: Type.String(),
    isOnline: Type.Boolean(),
    /** Null: it was never compared. */
    comparedAt: NullableTime,
    isCurrent: Type.Boolean({ description: 'It was compared with what is wished now, not with what was before' }),
    inOrder: Type.Integer(),
    differs: Type.Integer(),
    blocked: Type.Integer(),
    adopted: Type.Integer(),
    work: Type.Union([PoolWorkRow, Type.Null()], { description: 'Under way now' }),
  },
  closed,
);
export type PoolMember = Static<typeof PoolMember>;

export const PoolRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    nodes: Type.Union([Type.Array(Uuid), Type.Null()]),
    on: Type.Union([Type.String(), Type.Null()]),
    repair: Type.Enum(['show', 'auto']),
    budget: Type.Integer(),
    compareMinutes: Type.Integer(),
    version: Type.Integer({ description: 'Grows with every change of what is wished' }),
    itemCount: Type.Integer(),
    memberCount: Type.Integer(),
    /** Differences that nobody adopted, on all nodes. */
    driftCount: Type.Integer(),
    /** When the node was compared whose last compare is the longest ago; null: one was never, or there is none. */
    comparedAt: NullableTime,
    createdAt: TimeMs,
    createdBy: Type.String(),
  },
  closed,
);
export type PoolRow = Static<typeof PoolRow>;
export const PoolList = Type.Array(PoolRow);
export const PoolDetail = Type.Object(
  { ...PoolRow.properties, members: Type.Array(PoolMember), items: Type.Array(PoolItemRow) },
  closed,
);
export type PoolDetail = Static<typeof PoolDetail>;

/** GET /api/pools/:poolId/drift: the newest first, at most 1,000. */
export const DriftRow = Type.Object(
  {
    nodeId: Uuid,
    hostName: Type.String(),
    itemId: Uuid,
    action: Type.String(),
    key: Type.String(),
    /** `blocked`: it cannot be put right as things are. */
    state: Type.Enum(['differs', 'blocked']),
    says: Type.String(),
    /** `before` is what is there, `after` what is wished. */
    changes: Type.Array(PlannedChange),
    hash: Type.String({ description: 'Of exactly this difference, for adopt' }),
    /** When the node saw that something changed there; null: a compare found it. */
    changedAt: NullableTime,
    since: TimeMs,
    seenAt: TimeMs,
    adoptedBy: Type.Union([Type.String(), Type.Null()]),
    adoptedAt: NullableTime,
  },
  closed,
);
export type DriftRow = Static<typeof DriftRow>;
export const DriftList = Type.Array(DriftRow);

/** POST /api/pools/:poolId/items -> PoolItemRow: wished from now on; nothing is done by it. */
export const PoolItemRequest = Type.Object({ action: ActionName, args: Args }, closed);
export type PoolItemRequest = Static<typeof PoolItemRequest>;

/** DELETE /api/pools/:poolId/items/:itemId?how=: `forget` what is wished, or have the `counter` action run as well. */
export const PoolItemRemoval = Type.Object({ how: Type.Enum(['forget', 'counter']) }, closed);
export const PoolItemRemoved = Type.Object({ runId: Type.Union([Uuid, Type.Null()]) }, closed);
export type PoolItemRemoved = Static<typeof PoolItemRemoved>;

/** POST /api/pools/:poolId/runs -> RunDetail: the action on every node of the pool, and wished from then on. */
export const PoolRunRequest = Type.Object(
  {
    action: ActionName,
    args: Args,
    /** False: it is done once, and nothing is wished. Default true. */
    keep: Type.Optional(Type.Boolean()),
    strategy: Type.Optional(Type.Union([Type.Literal('at-once'), Strategy])),
    reason: Type.Optional(Reason),
    idempotencyKey: Type.Optional(Type.String({ minLength: 8, maxLength: 100 })),
  },
  closed,
);
export type PoolRunRequest = Static<typeof PoolRunRequest>;

/**
 * POST /api/pools/:poolId/work -> PoolWorkList. `join` brings the whole wished state to a node and looks whether it is
 * there. What is under way on a node already is answered in place of a second one.
 */
export const PoolWorkRequest = Type.Object(
  {
    kind: Type.Enum(['compare', 'repair', 'join']),
    /** Left out: every node of the pool. */
    only: Type.Optional(Type.Array(Uuid, { minItems: 1, maxItems: 1000 })),
    /** Of repair; left out: everything that differs and was not adopted. */
    items: Type.Optional(Type.Array(Uuid, { minItems: 1, maxItems: 1000 })),
    reason: Type.Optional(Reason),
  },
  closed,
);
export type PoolWorkRequest = Static<typeof PoolWorkRequest>;

/** POST /api/pools/:poolId/adopt: this difference of this node is meant to be, as long as it stays as it is. */
export const AdoptRequest = Type.Object(
  { nodeId: Uuid, itemId: Uuid, hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
  closed,
);
export type AdoptRequest = Static<typeof AdoptRequest>;
