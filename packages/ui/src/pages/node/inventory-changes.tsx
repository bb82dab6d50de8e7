import type { InventoryChange } from '@hauban/shared/api';
import { useInventoryChanges } from '../../api/hooks.ts';
import { formatClock, formatDate, formatUtc } from '../../format/time.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { MoreRows } from '../../parts/table.tsx';
import { texts } from '../../texts/index.ts';
import { sectionTitle } from './section-title.ts';

const t = texts.inventory;
const MAX_TEXT = 300;

/** Changes of one day, in the reader's zone. */
export function byDay(
  changes: readonly InventoryChange[],
): readonly (readonly [day: string, changes: readonly InventoryChange[]])[] {
  const days = new Map<string, InventoryChange[]>();
  for (const change of changes) {
    const day = formatDate(change.at);
    const list = days.get(day) ?? [];
    list.push(change);
    days.set(day, list);
  }
  return [...days];
}

const isNothing = (value: unknown): boolean => value === null || value === undefined;
const valueText = (value: unknown): string =>
  visibleLine(typeof value === 'string' ? value : JSON.stringify(value), MAX_TEXT);

function Change({ change }: { readonly change: InventoryChange }) {
  const word = isNothing(change.before) ? t.added : isNothing(change.after) ? t.removed : t.altered;
  return (
    <li className="hb-timeline-change">
      <time className="hb-quiet" dateTime={new Date(change.at).toISOString()} title={formatUtc(change.at)}>
        {formatClock(change.at)}
      </time>
      <span>{sectionTitle(change.section)}</span>
      <span className="hb-timeline-values">
        <span className="hb-mono hb-foreign">{visibleLine(change.path, 200)}</span>
        <span className="hb-quiet">{word}</span>
        {isNothing(change.before) ? null : <del className="hb-before hb-foreign">{valueText(change.before)}</del>}
        {isNothing(change.after) ? null : <ins className="hb-after hb-foreign">{valueText(change.after)}</ins>}
      </span>
    </li>
  );
}

/** What changed on the node, newest first, by day. */
export function InventoryChanges({ nodeId }: { readonly nodeId: string }) {
  const changes = useInventoryChanges(nodeId);
  return (
    <div className="hb-card">
      <QueryView query={changes}>
        {({ pages }) => {
          const all = pages.flatMap((page) => page.changes);
          if (all.length === 0) return <EmptyState title={t.changes}>{t.noChanges}</EmptyState>;
          return (
            <>
              {byDay(all).map(([day, list]) => (
                <section key={day} aria-label={day}>
                  <h3 className="hb-timeline-day">{day}</h3>
                  <ul className="hb-timeline">
                    {list.map((change) => (
                      <Change key={`${change.at} ${change.section} ${change.path}`} change={change} />
                    ))}
                  </ul>
                </section>
              ))}
              <MoreRows pages={changes} />
            </>
          );
        }}
      </QueryView>
    </div>
  );
}
