import type { BanListChange } from '@hauban/shared/api';
import { useEffect, useRef } from 'react';
import { Notice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.banList;

/** Which targets come and go, of each kind the first hundred. */
const linesOf = (sign: string, targets: readonly string[], count: number): string[] => [
  ...targets.map((target) => `${sign} ${target}`),
  ...(count > targets.length ? [`${sign} ${texts.words.truncated(count - targets.length)}`] : []),
];

/** What a change would do to the list; nothing has been done yet. */
export function ChangeView({ change }: { readonly change: BanListChange }) {
  const { added, changed, removed, addedTargets, removedTargets, entryCount } = change;
  const place = useRef<HTMLDivElement | null>(null);
  useEffect(() => {
    // What it gives back is nothing to clean up by.
    place.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  if (added + changed + removed === 0) return <Notice tone="idle">{t.nothingChanges}</Notice>;
  const lines = [...linesOf('-', removedTargets, removed), ...linesOf('+', addedTargets, added)];
  return (
    <div className="hb-stack" role="status" ref={place}>
      <strong>{t.wouldChange(added, changed, removed, entryCount)}</strong>
      {lines.length === 0 ? null : <pre className="hb-block hb-list-change">{lines.join('\n')}</pre>}
    </div>
  );
}
