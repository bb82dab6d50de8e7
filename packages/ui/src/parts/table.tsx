import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import './table.css';

export interface Column {
  readonly key: string;
  readonly title: ReactNode;
  readonly isNumber?: boolean;
  /** `asc` or `desc` when the rows are sorted by it; null: it can be; undefined: it cannot. */
  readonly sorted?: 'asc' | 'desc' | null;
  readonly onSort?: () => void;
}

function SortButton({ column }: { readonly column: Column }) {
  const arrow = column.sorted === 'asc' ? '▲' : column.sorted === 'desc' ? '▼' : '';
  return (
    <button type="button" className="hb-sort" data-sorted={column.sorted ?? undefined} onClick={column.onSort}>
      {column.title}
      <span aria-hidden>{arrow}</span>
    </button>
  );
}

const ARIA_SORT = { asc: 'ascending', desc: 'descending' } as const;

/** A table with a head; rows are the caller's `<tr>`. On a phone each row becomes a card. */
export function Table({
  label,
  columns,
  children,
}: {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly children: ReactNode;
}) {
  return (
    <div className="hb-table-wrap">
      <table className="hb-table" data-reflow aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                className={column.isNumber === true ? 'hb-number' : undefined}
                aria-sort={column.sorted === undefined || column.sorted === null ? undefined : ARIA_SORT[column.sorted]}
              >
                {column.onSort === undefined ? column.title : <SortButton column={column} />}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

interface Pages {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
}

/** Reads the next page of a list; nothing when it is whole. */
export function MoreRows({ pages }: { readonly pages: Pages }) {
  if (!pages.hasNextPage) return null;
  return (
    <div className="hb-table-foot">
      <Button
        variant="default"
        size="compact-sm"
        loading={pages.isFetchingNextPage}
        onClick={() => void pages.fetchNextPage()}
      >
        {texts.words.more}
      </Button>
    </div>
  );
}
