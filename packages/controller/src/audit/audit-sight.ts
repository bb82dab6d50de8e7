/**
 * Who may read which rows of the log. Who may read the whole fleet reads all of it; anybody else the rows about the nodes
 * that they may read, and what they did themselves. What is about people, roles or the controller is for the fleet's readers.
 */
import type { AuditState } from '@hauban/shared/api';
import type { AuditOrdersRepository } from './audit-orders.repository.ts';

/** Null where it is taken: the whole log. */
export interface AuditSight {
  readonly nodeIds: readonly string[];
  /** Whose own rows; null: of nobody. */
  readonly who: string | null;
}

/** What the controller does by itself, and what people did who were not signed in, is nobody's own. */
const NOT_PEOPLE: ReadonlySet<string> = new Set(['system', 'nobody']);

export interface AuditReader {
  readonly name: string;
  /** Of these nodes, those that this person may read; null: everything may be read. */
  readonly readable: ((nodeIds: readonly string[]) => Promise<ReadonlySet<string>>) | null;
}

export type SightOf = (reader: AuditReader) => Promise<AuditSight | null>;

/** How far the log is signed is for everybody; where its witnesses are and what they found is for those who see all of it. */
export function stateFor(state: AuditState, sight: AuditSight | null): AuditState {
  if (sight === null) return state;
  const findings = state.findings.filter(({ nodeId }) => nodeId !== null && sight.nodeIds.includes(nodeId));
  return { ...state, witnesses: [], findings };
}

export const createSightOf =
  (nodes: Pick<AuditOrdersRepository, 'nodeIds'>): SightOf =>
  async ({ name, readable }) => {
    if (readable === null) return null;
    const nodeIds = [...(await readable(await nodes.nodeIds()))];
    return { nodeIds, who: NOT_PEOPLE.has(name) ? null : name };
  };
