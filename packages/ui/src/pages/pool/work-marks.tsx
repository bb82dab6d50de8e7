import type { PoolWorkRow } from '@hauban/shared/api';
import { Mark, type Tone } from '../../parts/mark.tsx';
import { texts } from '../../texts/index.ts';

function toneOf({ finishedAt, isWell }: PoolWorkRow): Extract<Tone, 'busy' | 'idle' | 'ok' | 'bad'> {
  if (finishedAt === null) return 'busy';
  if (isWell === null) return 'idle';
  return isWell ? 'ok' : 'bad';
}

/** How a work stands or ended. */
export function WorkMark({ work }: { readonly work: PoolWorkRow }) {
  const tone = toneOf(work);
  return <Mark tone={tone} word={texts.pool.workStates[tone]} />;
}
