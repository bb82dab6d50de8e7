import type { PoolRow } from '@hauban/shared/api';
import { texts } from '../texts/index.ts';
import { Mark } from './mark.tsx';

const t = texts.pools;

/** How the nodes of a pool stand, all together. */
export function PoolMark({ pool, isBoxed = false }: { readonly pool: PoolRow; readonly isBoxed?: boolean }) {
  if (pool.driftCount > 0) return <Mark tone="warn" word={t.differs(pool.driftCount)} isBoxed={isBoxed} />;
  if (pool.itemCount === 0) return <Mark tone="idle" word={t.nothingWished} isBoxed={isBoxed} />;
  return <Mark tone="ok" word={t.noneKnown} isBoxed={isBoxed} />;
}
