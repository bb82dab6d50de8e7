/**
 * Who may do what, where and how: roles as data and the one function that judges by them. Pure: no database, no HTTP, no
 * clock. Every route, upgrade, live topic, run and shell asks it; a right that no rule gives is denied.
 */
export {
  authorize,
  authorizeOrWait,
  type Decision,
  type Denial,
  type Grant,
  type Target,
  type Use,
} from './authorize.ts';
export { mayDoAll, usesOf } from './uses-of.ts';
export { builtInGrant, BUILT_IN_ROLES, grantOf, isOwnerRole } from './roles.ts';
export { ACCESS_LEVELS, type Access, type Need, type RouteNeed } from './need.ts';
