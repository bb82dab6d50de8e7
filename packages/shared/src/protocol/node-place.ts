import { list, oneOf, record, text } from './check.ts';

/** Label names and values as the selector language takes them. */
export const LABEL_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
export const LABEL_VALUE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const NODE_ROLES = ['web', 'mail', 'storage', 'hypervisor', 'loadbalancer', 'database'] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

/** What a node is said to be. */
export const checkLabels = record(LABEL_NAME, text(63, { pattern: LABEL_VALUE }), 32);
export const checkNodeRoles = list(oneOf(NODE_ROLES), 6);
