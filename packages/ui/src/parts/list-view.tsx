import type { ReactNode } from 'react';
import { EmptyState, QueryView } from './notices.tsx';

export interface ListViewProps<T> {
  readonly query: { readonly data: readonly T[] | undefined; readonly error: unknown; readonly refetch: () => unknown };
  /** What could not be read, when it cannot. */
  readonly what: string;
  /** Which rows are wanted; left out: all. */
  readonly fits?: (row: T) => boolean;
  /** There is nothing at all: what that means, and what to do. */
  readonly none: { readonly title: string; readonly text: string; readonly action?: ReactNode };
  /** There is something, and nothing of it fits. */
  readonly noMatch?: string;
  readonly children: (rows: readonly T[]) => ReactNode;
}

/** The states of a list in one place: loading, failed (what was read before stays), nothing yet, nothing that fits, rows. */
export function ListView<T>({ query, what, fits = () => true, none, noMatch, children }: ListViewProps<T>) {
  return (
    <div className="hb-card">
      <QueryView query={query} what={what}>
        {(all) => {
          const rows = all.filter(fits);
          if (rows.length > 0) return children(rows);
          if (all.length > 0) return <EmptyState title={noMatch ?? none.title} />;
          return (
            <EmptyState title={none.title} action={none.action}>
              {none.text}
            </EmptyState>
          );
        }}
      </QueryView>
    </div>
  );
}
