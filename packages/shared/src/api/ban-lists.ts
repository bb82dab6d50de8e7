import Type, { type Static } from 'typebox';
import { BanReason, BanTarget, DurationS } from '../actions/params.ts';
import { closed, NullableTime, TimeMs, Uuid } from './primitives.ts';

/** Ban lists: what all nodes of the pools that have the list ban, and lift when it is not listed any more. */

const ListName = Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$', description: 'Lower-case letters, digits and -' });
/** Of one change; a longer list comes in parts. */
export const MOST_LISTED_AT_ONCE = 20_000;
const Targets = Type.Array(BanTarget, { minItems: 1, maxItems: MOST_LISTED_AT_ONCE });
const Pools = Type.Array(Uuid, { maxItems: 100 });

export const BanListRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    /** Entries that have not run out. */
    entryCount: Type.Integer(),
    pools: Type.Array(Type.Object({ id: Uuid, name: Type.String() }, closed)),
    version: Type.Integer({ description: 'Grows with every change' }),
    createdAt: TimeMs,
    createdBy: Type.String(),
  },
  closed,
);
export type BanListRow = Static<typeof BanListRow>;
export const BanLists = Type.Array(BanListRow);

export const BanListEntry = Type.Object(
  {
    target: Type.String(),
    /** Null: until lifted. */
    until: NullableTime,
    reason: Type.String(),
    addedAt: TimeMs,
    addedBy: Type.String(),
  },
  closed,
);
export type BanListEntry = Static<typeof BanListEntry>;

/** GET /api/ban-lists/:banListId/entries?after=&limit= by their text; `next` is the `after` of the next page. */
export const BanListEntriesQuery = Type.Object(
  {
    after: Type.Optional(Type.String({ maxLength: 49 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    /** Those that hold this address or prefix, or lie in it. */
    holds: Type.Optional(BanTarget),
  },
  closed,
);
export const BanListEntryPage = Type.Object(
  { entries: Type.Array(BanListEntry), next: Type.Union([Type.String(), Type.Null()]) },
  closed,
);
export type BanListEntryPage = Static<typeof BanListEntryPage>;

/** POST /api/ban-lists */
export const BanListRequest = Type.Object({ name: ListName, pools: Type.Optional(Pools) }, closed);
export type BanListRequest = Static<typeof BanListRequest>;

/** PUT /api/ban-lists/:banListId/pools: these have it, and no others. */
export const BanListPools = Type.Object({ pools: Pools }, closed);
export type BanListPools = Static<typeof BanListPools>;

/** POST /api/ban-lists/:banListId/entries: what is listed already gets the new end and reason. */
export const BanListAddition = Type.Object(
  {
    targets: Targets,
    /** From now on; left out: until lifted. */
    durationS: Type.Optional(DurationS),
    reason: Type.Optional(BanReason),
    /** These are the whole list from now on: every other entry goes. */
    replace: Type.Optional(Type.Boolean()),
    /** Nothing is changed: the answer says what would be. */
    plan: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type BanListAddition = Static<typeof BanListAddition>;

/** POST /api/ban-lists/:banListId/removals */
export const BanListRemoval = Type.Object({ targets: Targets, plan: Type.Optional(Type.Boolean()) }, closed);
export type BanListRemoval = Static<typeof BanListRemoval>;

/** How a list changes; of each kind at most 100 are named. */
export const BanListChange = Type.Object(
  {
    added: Type.Integer(),
    changed: Type.Integer(),
    removed: Type.Integer(),
    addedTargets: Type.Array(Type.String()),
    removedTargets: Type.Array(Type.String()),
    /** Afterwards. */
    entryCount: Type.Integer(),
  },
  closed,
);
export type BanListChange = Static<typeof BanListChange>;
