import type { UndoOrder } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { checkUndo, type UndoMemory } from './check-undo.ts';

const order = { undoes: 'o1' } as UndoOrder;
const jws = (payload: object): string =>
  [Buffer.from('{}'), Buffer.from(JSON.stringify(payload)), Buffer.alloc(64)]
    .map((part) => part.toString('base64url'))
    .join('.');
/** What the node remembers of an order of which no changes are kept. */
const memory = (known: boolean, receipt: string | null): UndoMemory =>
  ({
    undo: { find: () => null, laterThan: () => null },
    journal: { find: () => (known ? {} : null), receiptOf: () => receipt },
  }) as unknown as UndoMemory;

describe('ORDER13 an order of which no changes are kept', () => {
  it.each<[string, UndoMemory, string, string]>([
    ['that nobody gave', memory(false, null), 'UNDO_UNKNOWN', 'remembers no changes'],
    ['that has not ended', memory(true, null), 'UNDO_IMPOSSIBLE', 'has not ended yet'],
    ['that changed nothing', memory(true, jws({ outcome: 'unchanged' })), 'UNDO_IMPOSSIBLE', 'ended as unchanged'],
  ])('%s is not undone, and it says why', (_name, remembered, code, says) => {
    expect(checkUndo(order, remembered)).toMatchObject({ code, detail: expect.stringContaining(says) as string });
  });
});
