import type { Plan, PlannedChange } from '@hauban/shared/api';
import { DiffView } from '../diff/diff-view.tsx';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import { Notice } from './notices.tsx';
import './plan-view.css';

const t = texts.plan;
const kinds: Readonly<Record<string, string>> = t.kinds;

/** What happens to the thing: made, removed, changed, or done (a reload has no text before or after). */
export function fateOf({ before, after }: PlannedChange): { readonly sign: string; readonly word: string } {
  if (before === null && after === null) return { sign: '↻', word: t.happens };
  if (before === null) return { sign: '+', word: t.appears };
  return after === null ? { sign: '−', word: t.disappears } : { sign: '±', word: t.alters };
}

function ChangeView({ change }: { readonly change: PlannedChange }) {
  const fate = fateOf(change);
  const title = visibleLine(change.title, 300);
  const hasDiff = change.before !== null || change.after !== null;
  const isShort = (change.before ?? change.after ?? '').length + (change.after ?? '').length < 1500;
  const head = (
    <>
      <span className="hb-change-sign" aria-hidden>
        {fate.sign}
      </span>
      <span className="hb-visually-hidden">{fate.word}</span>
      <span className="hb-chip">{kinds[change.kind] ?? visibleLine(change.kind, 30)}</span>
      <span className="hb-foreign hb-grow">{title}</span>
    </>
  );
  if (!hasDiff) return <li className="hb-change hb-change-head">{head}</li>;
  return (
    <li className="hb-change">
      <details open={isShort}>
        <summary className="hb-change-head">{head}</summary>
        <DiffView before={change.before} after={change.after} label={title} />
      </details>
    </li>
  );
}

/** A plan for people: each change with its difference, then the notes of the node. */
export function PlanView({ plan }: { readonly plan: Plan }) {
  return (
    <div className="hb-stack">
      {plan.notes.map((note) => (
        <Notice key={note} tone="idle">
          <span className="hb-foreign">{visibleLine(note, 2000)}</span>
        </Notice>
      ))}
      {plan.changes.length === 0 ? (
        <p className="hb-quiet">{t.noChanges}</p>
      ) : (
        <ol className="hb-changes">
          {plan.changes.map((change) => (
            <ChangeView key={`${change.kind} ${change.title}`} change={change} />
          ))}
        </ol>
      )}
    </div>
  );
}
