import type { AccessRule } from '@hauban/shared/api';
import type { Grant } from './authorize.ts';

const ANYHOW: AccessRule['how'] = { runAs: ['*'], needsApproval: false, window: null };

const everywhere = (name: string, what: readonly string[]): readonly AccessRule[] => [
  { name, what: [...what], where: 'everywhere', how: ANYHOW },
];

/** Roles that every controller has. They cannot be changed; others are made beside them. */
export const BUILT_IN_ROLES: ReadonlyMap<string, readonly AccessRule[]> = new Map([
  ['owner', everywhere('owner', ['read', 'action:*', 'shell', 'attach', 'edit-node', 'override-window', 'admin'])],
  ['operator', everywhere('operator', ['read', 'action:*', 'shell', 'edit-node'])],
  ['viewer', everywhere('viewer', ['read'])],
]);

/** Only the built-in owner counts as one: somebody has to be left who may do everything. */
export const isOwnerRole = (role: string): boolean => role === 'owner';

/** What a person holds by a role; a role that is neither built in nor among `made` gives nothing. */
export function grantOf(
  person: { readonly id: string; readonly role: string },
  made: readonly AccessRule[] | null,
  scope: readonly AccessRule[] | null,
): Grant {
  const rules = BUILT_IN_ROLES.get(person.role) ?? made ?? [];
  return { personId: person.id, role: person.role, rules, scope };
}

export const builtInGrant = (role: string, personId = ''): Grant => grantOf({ id: personId, role }, null, null);
