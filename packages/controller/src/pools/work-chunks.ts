import { MOST_APPLIED, MOST_COMPARED } from '@hauban/shared/actions';
import type { ItemRecord } from './pools.repository.ts';
import type { WorkChunk, WorkRecord } from './pool-work.repository.ts';

/** An order of that many characters, signed, fits a message of the link. */
const ORDER_CHARACTERS = 120_000;

type Sized = Pick<ItemRecord, 'id' | 'action' | 'args'>;

const sizeOf = ({ action, args }: Sized): number => JSON.stringify({ action, args }).length;

/** Items in their order, as few orders as they fit into. */
function split(items: readonly Sized[], most: number): readonly (readonly Sized[])[] {
  const chunks: Sized[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const own = sizeOf(item);
    const last = chunks.at(-1);
    if (last === undefined || last.length >= most || size + own > ORDER_CHARACTERS) {
      chunks.push([item]);
      size = own;
    } else {
      last.push(item);
      size += own;
    }
  }
  return chunks;
}

/** Orders of one phase of a work; none is made yet. */
export function chunksFor(
  work: Pick<WorkRecord, 'id' | 'round' | 'phase'>,
  items: readonly Sized[],
): readonly WorkChunk[] {
  return split(items, work.phase === 'compare' ? MOST_COMPARED : MOST_APPLIED).map((chunk, index) => ({
    key: `pool:${work.id}:${work.round}:${index}`,
    items: chunk.map(({ id }) => id),
    runId: null,
  }));
}

/** All of it was undone because one of it failed: each is tried by itself. */
export const alone = ({ key, items }: WorkChunk): readonly WorkChunk[] =>
  items.map((item, index) => ({ key: `${key}.${index}`, items: [item], runId: null }));
