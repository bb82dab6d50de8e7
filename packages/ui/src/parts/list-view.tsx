import { Button } from '@mantine/core';
import { useState, type ReactNode, type RefObject } from 'react';
import { texts } from '../texts/index.ts';
import { EmptyState, QueryView } from './notices.tsx';

export interface ListViewProps<T> {
  readonly query: { readonly data: readonly T[] | undefined; readonly error: unknown; readonly refetch: () => unknown };
  /** What could not be read, when it cannot. */
  readonly what: string;
  /** Which rows are wanted; left out: all. */
  readonly fits?: (row: T) => boolean;
  /** What was asked for is only a part of all there is: no row means that nothing fits. */
  readonly isPart?: boolean;
  /** There is nothing at all: what that means, and what to do. */
  readonly none: { readonly title: string; readonly text?: string; readonly action?: ReactNode };
  /** There is something, and nothing of it fits. */
  readonly noMatch?: string;
  /** Rows that are shown at first, and come with each "more"; left out: all of them. */
  readonly step?: number;
  /** Where its rows are, for the keys of a list. */
  readonly place?: RefObject<HTMLDivElement | null>;
  readonly children: (rows: readonly T[]) => ReactNode;
}

/** The first rows, and a button for more. */
function Steps<T>({
  rows,
  step,
  children,
}: {
  readonly rows: readonly T[];
  readonly step: number;
  readonly children: ListViewProps<T>['children'];
}) {
  const [shown, setShown] = useState(step);
  return (
    <>
      {children(rows.slice(0, shown))}
      {rows.length > shown ? (
        <div className="hb-table-foot">
          <Button variant="default" size="compact-sm" onClick={() => setShown(shown + step)}>
            {texts.words.more}
          </Button>
        </div>
      ) : null}
    </>
  );
}

/** The states of a list in one place: loading, failed (what was read before stays), nothing yet, nothing that fits, rows. */
export function ListView<T>(props: ListViewProps<T>) {
  const { query, what, fits = () => true, isPart = false, none, noMatch = none.title, step, place, children } = props;
  return (
    <div className="hb-card" ref={place}>
      <QueryView query={query} what={what}>
        {(all) => {
          const rows = all.filter(fits);
          if (rows.length > 0)
            return step === undefined ? (
              children(rows)
            ) : (
              <Steps rows={rows} step={step}>
                {children}
              </Steps>
            );
          if (isPart || all.length > 0) return <EmptyState title={noMatch} />;
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
