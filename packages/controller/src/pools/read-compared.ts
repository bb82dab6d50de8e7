import { canonicalJson, sha256Hex } from '@hauban/link';
import { PlannedChange } from '@hauban/shared/api';
import Type from 'typebox';
import Value from 'typebox/value';
import type { SeenDrift } from './drift.repository.ts';

/** As a node answers a compare: its word, of which nothing is believed that does not fit. */
const Answer = Type.Object({
  deviations: Type.Array(
    Type.Object({
      item: Type.Integer({ minimum: 0 }),
      is: Type.Enum(['differs', 'blocked']),
      says: Type.String({ maxLength: 1000 }),
      changes: Type.Array(PlannedChange, { maxItems: 50 }),
    }),
    { maxItems: 500 },
  ),
});

/** @param items ids of the order's items, in its order; null: the answer is none */
export function readCompared(data: unknown, items: readonly string[]): readonly SeenDrift[] | null {
  if (!Value.Check(Answer, data)) return null;
  const seen = new Map<string, SeenDrift>();
  for (const { item, is, says, changes } of data.deviations) {
    const itemId = items[item];
    if (itemId === undefined) return null;
    // As checked, and no field more.
    const shown = changes.map(({ kind, title, before, after }) => ({ kind, title, before, after }));
    const hash = sha256Hex(canonicalJson({ is, says, changes: shown }));
    seen.set(itemId, { itemId, state: is, hash, says, changes: shown });
  }
  return [...seen.values()];
}
