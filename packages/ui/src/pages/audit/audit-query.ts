import type { AuditQuery } from '@hauban/shared/api';
import type { SearchState } from '../../parts/use-search-state.ts';

/** `2026-11-22T14:03` of a date field, in the reader's zone, as Unix ms; undefined when it is none. */
export function parseLocalTime(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return undefined;
  const at = new Date(text).getTime();
  return Number.isFinite(at) && at >= 0 ? at : undefined;
}

/** The filter in the address as a query of the contract. */
export function auditQuery(search: SearchState): AuditQuery {
  const query: AuditQuery = {};
  const { code, who, node, outcome } = search;
  if (code !== undefined) query.code = code;
  if (who !== undefined) query.who = who;
  if (node !== undefined) query.nodeId = node;
  if (outcome !== undefined) query.outcome = outcome;
  const from = parseLocalTime(search['from']);
  const to = parseLocalTime(search['to']);
  if (from !== undefined) query.from = from;
  if (to !== undefined) query.to = to;
  return query;
}
