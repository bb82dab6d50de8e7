import { getTableColumns, isNull } from 'drizzle-orm';
import { node } from '../db/schema/nodes.ts';

export type NodeRecord = typeof node.$inferSelect;
/** A node without its two long texts. */
export type NodeBrief = Omit<NodeRecord, 'policyText' | 'actions'>;

const { policyText: _policyText, actions: _actions, ...brief } = getTableColumns(node);
/** Columns of a node without its two long texts. */
export const briefColumns = brief;
/** Not removed. */
export const isHere = isNull(node.revokedAt);
