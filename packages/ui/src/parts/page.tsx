import { useEffect, type ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import './page.css';

export interface PageProps {
  /** Plain text, for the window's title. */
  readonly title: string;
  /** What stands as heading; left out: the title. */
  readonly heading?: ReactNode;
  readonly lead?: ReactNode;
  readonly beside?: ReactNode;
  readonly actions?: ReactNode;
  readonly isNarrow?: boolean;
  /** On a phone the actions stand below the title instead of beside it. */
  readonly hasManyActions?: boolean;
  readonly children: ReactNode;
}

/** Head and body of a page; sets the window's title. */
export function Page({
  title,
  heading,
  lead,
  beside,
  actions,
  isNarrow = false,
  hasManyActions = false,
  children,
}: PageProps) {
  useEffect(() => {
    document.title = texts.app.title(title);
  }, [title]);
  return (
    <div className="hb-page" data-width={isNarrow ? 'narrow' : undefined}>
      <header className="hb-page-head" data-wide-actions={hasManyActions || undefined}>
        <h1>{heading ?? title}</h1>
        {beside}
        {actions === undefined ? null : <div className="hb-page-actions">{actions}</div>}
      </header>
      {lead === undefined ? null : <p className="hb-page-lead">{lead}</p>}
      {children}
    </div>
  );
}

/** Label and value pairs. */
export function Facts({ rows }: { readonly rows: readonly (readonly [label: string, value: ReactNode])[] }) {
  return (
    <dl className="hb-facts">
      {rows.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
