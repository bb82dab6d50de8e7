import type { ReactNode } from 'react';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import './data-view.css';

/**
 * Shows a value of unknown shape (a result, an inventory section) as a person would lay it out: a list of records
 * as a table, a record as pairs, the rest as text. Depth and length are capped: the value came from a node.
 */
const MAX_DEPTH = 5;
const MAX_ROWS = 500;
const MAX_COLUMNS = 12;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `validTo` and `valid_to` become "valid to". */
export function keyText(key: string): string {
  return visibleLine(key.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/[_-]+/g, ' ').toLowerCase(), 60);
}

function Scalar({ value }: { readonly value: unknown }) {
  if (value === null || value === undefined || value === '') return <span className="hb-quiet">–</span>;
  if (typeof value === 'boolean') return <>{value ? texts.words.yes : texts.words.no}</>;
  if (typeof value === 'number') return <span>{String(value)}</span>;
  return <span className="hb-foreign">{visibleLine(typeof value === 'string' ? value : JSON.stringify(value))}</span>;
}

/** Columns of a list of records: the union of their keys, in order of appearance. */
export function columnsOf(rows: readonly Record<string, unknown>[]): string[] {
  const columns = new Set<string>();
  for (const row of rows) for (const key of Object.keys(row)) if (columns.size < MAX_COLUMNS) columns.add(key);
  return [...columns];
}

function RecordTable({ rows, label, depth }: { readonly rows: readonly Record<string, unknown>[]; readonly label: string; readonly depth: number }) {
  const columns = columnsOf(rows);
  return (
    <div className="hb-table-wrap">
      <table className="hb-table hb-data-table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {keyText(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row, index) => (
            // Rows of foreign data have no identity of their own; the list is only shown, never reordered.
            // oxlint-disable-next-line react/no-array-index-key
            <tr key={index}>
              {columns.map((column) => (
                <td key={column} className={typeof row[column] === 'number' ? 'hb-number' : undefined}>
                  <DataView value={row[column]} label={column} depth={depth + 1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Truncated left={rows.length - MAX_ROWS} />
    </div>
  );
}

function Truncated({ left }: { readonly left: number }): ReactNode {
  return left > 0 ? <p className="hb-quiet hb-small">{texts.words.truncated(left)}</p> : null;
}

function Pairs({ value, depth }: { readonly value: Record<string, unknown>; readonly depth: number }) {
  const entries = Object.entries(value);
  return (
    <dl className="hb-pairs">
      {entries.slice(0, MAX_ROWS).map(([key, item]) => (
        <div key={key}>
          <dt>{keyText(key)}</dt>
          <dd>
            <DataView value={item} label={key} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function DataView({ value, label, depth = 0 }: { readonly value: unknown; readonly label: string; readonly depth?: number }): ReactNode {
  if (depth > MAX_DEPTH) return <Scalar value={JSON.stringify(value)} />;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length === 0) return <span className="hb-quiet">{depth === 0 ? texts.inventory.nothing : texts.words.none}</span>;
    if (items.every(isRecord)) return <RecordTable rows={items} label={label} depth={depth} />;
    return (
      <>
        <Scalar value={items.slice(0, MAX_ROWS).map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join(', ')} />
        <Truncated left={items.length - MAX_ROWS} />
      </>
    );
  }
  if (isRecord(value)) return <Pairs value={value} depth={depth} />;
  return <Scalar value={value} />;
}
