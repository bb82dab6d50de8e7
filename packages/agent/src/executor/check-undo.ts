import { peekJws } from '@hauban/link';
import type { ErrorCode } from '@hauban/shared/errors';
import type { UndoOrder } from '@hauban/shared/protocol';
import type { OrderJournal } from './order-journal.ts';
import { undoneWhat, type UndoStore } from './undo-store.ts';

type Refusal = { readonly code: ErrorCode; readonly detail: string };
const no = (code: ErrorCode, detail: string): Refusal => ({ code, detail });

export interface UndoMemory {
  readonly journal: Pick<OrderJournal, 'find' | 'receiptOf'>;
  readonly undo: Pick<UndoStore, 'find' | 'laterThan'>;
}

/** How a remembered order ended, when no changes of it are kept. */
function whyNothing(id: string, { journal }: UndoMemory): Refusal {
  const known = journal.find(id);
  if (known === null) return no('UNDO_UNKNOWN', 'this node remembers no changes of an order with that id');
  const jws = journal.receiptOf(id);
  const peeked = jws === null ? null : peekJws(jws);
  const outcome = peeked?.ok === true ? (peeked.payload as { outcome?: unknown }).outcome : null;
  if (outcome === null) return no('UNDO_IMPOSSIBLE', 'that order has not ended yet');
  return no(
    'UNDO_IMPOSSIBLE',
    `that order left no changes that could be undone (it ended as ${typeof outcome === 'string' ? outcome : 'unknown'})`,
  );
}

/** What the policy file and the approvals looked at has to be what is undone. */
const isSame = (order: UndoOrder, what: string): boolean => undoneWhat(order) === what;

/** May this order be undone now (rule ORDER13)? Asked again when a lock was waited for. */
export function checkUndo(order: UndoOrder, memory: UndoMemory): Refusal | null {
  const entry = memory.undo.find(order.undoes);
  if (entry === null) return whyNothing(order.undoes, memory);
  if (!isSame(order, entry.what))
    return no('UNDO_MISMATCH', 'the order that is to be undone was for another action or other arguments');
  if (entry.undoneBy !== null) return no('UNDO_DONE', `it was undone by order ${entry.undoneBy}`);
  if (entry.lasting !== null) return no('UNDO_IMPOSSIBLE', `nobody can take that back: ${entry.lasting}`);
  const later = memory.undo.laterThan(entry);
  return later === null
    ? null
    : no('UNDO_SUPERSEDED', `order ${later} changed the same things since: undo that one first`);
}
