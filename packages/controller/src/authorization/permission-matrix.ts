import type { AccessRule } from '@hauban/shared/api';
import { authorize, type Target } from './authorize.ts';
import type { Access, RouteNeed } from './need.ts';
import { BUILT_IN_ROLES, grantOf } from './roles.ts';

/** A route or an upgrade, as the matrix sees it. */
export interface MatrixRoute {
  readonly method: string;
  readonly url: string;
  readonly access: Access;
  readonly needs: RouteNeed | null;
}

/** Beside the built-in roles: one that does an operator's work on a part of the fleet. */
export const PARTIAL_ROLE = 'operator of tier=web';
export const PARTIAL_RULES: readonly AccessRule[] = [
  {
    name: 'operator of a part',
    what: ['read', 'action:*', 'shell', 'edit-node'],
    where: { labels: { tier: 'web' } },
    how: { runAs: ['*'], needsApproval: false, window: null },
  },
];
export const MATRIX_ROLES = [...BUILT_IN_ROLES.keys(), PARTIAL_ROLE];

/** Where a route is tried: on a node of tier=web, on another one, or nowhere when it names no target. */
export const MATRIX_PLACES = ['inside', 'outside'] as const;
export type MatrixPlace = (typeof MATRIX_PLACES)[number];

/** `part`: a list, of which the role is shown what it may read. */
export type MatrixCell = 'yes' | 'part' | 'no';

const nodeAt = (place: MatrixPlace): Target => ({
  kind: 'node',
  id: place,
  labels: { tier: place === 'inside' ? 'web' : 'db' },
  roles: [],
});

/** Does the route name targets that may lie in one place or another? */
export const hasPlaces = ({ needs }: MatrixRoute): boolean =>
  needs !== null && needs.on !== 'fleet' && needs.on !== 'list';

/** What one role may do by one route at one place, by the same function that decides about requests. */
export function matrixCell(route: MatrixRoute, role: string, place: MatrixPlace): MatrixCell {
  const grant = grantOf({ id: 'me', role }, role === PARTIAL_ROLE ? PARTIAL_RULES : null, null);
  if (!authorize(grant, { kind: 'enter', access: route.access }).allowed) return 'no';
  const { needs } = route;
  if (needs === null) return 'yes';
  const target: Target = hasPlaces(route) ? nodeAt(place) : { kind: 'fleet' };
  const request = {
    kind: 'use',
    right: needs.right,
    action: 'node.ping',
    user: 'root',
    openedBy: 'me',
    at: 0,
  } as const;
  if (authorize(grant, { ...request, targets: [target] }).allowed) return 'yes';
  return needs.on === 'list' ? 'part' : 'no';
}
