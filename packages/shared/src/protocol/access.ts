import {
  flag,
  integer,
  list,
  literal,
  nullable,
  object,
  objectWith,
  oneOf,
  text,
  type Check,
  type Checked,
} from './check.ts';
import { UUID_PATTERN } from './ids.ts';
import { checkLabels, NODE_ROLES } from './node-place.ts';

/**
 * Roles as a policy bundle carries them, so that owners sign who may do what (rule BUNDLE6). A rule has the format and the
 * bounds of `AccessRule` of the API, which a test holds against this one; no schema library is needed to read a bundle.
 */
const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });

/** A list of the caller's own: every element of it is made anew by the check. */
const listOf = <T>(item: Check<T>, max: number, min = 0): Check<T[]> => list(item, max, min) as Check<T[]>;

const checkPlace = objectWith(
  {},
  {
    nodes: listOf(uuid, 1000),
    labels: checkLabels,
    roles: listOf(oneOf(NODE_ROLES), 6),
  },
);
const checkEverywhere = literal('everywhere');

/** A place without any part would be everywhere; that is said in so many words. */
function checkWhere(value: unknown, path: string): 'everywhere' | Checked<typeof checkPlace> {
  const isPlace = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  return isPlace ? checkPlace(value, path) : checkEverywhere(value, path);
}

const RIGHT = /^(?:read|shell|attach|edit-node|admin|action:(?:\*|[a-z0-9-]{1,40}\.(?:\*|[a-z0-9-]{1,60})))$/;
const minute = integer(0, 1440);

export const checkAccessRule = object({
  name: text(64, { pattern: /^[a-z][a-z0-9 -]{0,63}$/ }),
  what: listOf(text(110, { pattern: RIGHT }), 50, 1),
  where: checkWhere,
  how: object({
    runAs: listOf(text(32, { pattern: /^(?:\*|[a-z_][a-z0-9_-]{0,31})$/ }), 50),
    needsApproval: flag,
    window: nullable(object({ days: listOf(integer(0, 6), 7), fromMinute: minute, toMinute: minute })),
  }),
});

const roleName = text(32, { pattern: /^[a-z][a-z0-9-]{1,31}$/ });

export const checkAccess = object({
  /** Those that are made; the built-in ones are in the program. */
  roles: list(object({ name: roleName, rules: listOf(checkAccessRule, 20, 1) }), 100),
  /** The role of each person who may act, with a passkey or without. */
  people: list(object({ id: uuid, role: roleName }), 500),
});
export type Access = Checked<typeof checkAccess>;
