import type { ReactNode } from 'react';
import { formatBytes, NO_VALUE } from '../format/units.ts';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import './data-view.css';
import './table.css';
import { DateTime } from './time-text.tsx';

/**
 * Shows a value of unknown shape (a result, an inventory section) as a person would lay it out: a list of records
 * as a table, a record as pairs, the rest as text. Depth and length are capped: the value came from a node.
 */
const MAX_DEPTH = 5;
const MAX_ROWS = 500;
const MAX_COLUMNS = 12;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `validTo` and `valid_to` become "valid to"; what the value shows anyway (a unit, a yes) is left out. */
export function keyText(key: string): string {
  const words = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase();
  const shown = words
    .replace(/^is /, '')
    .replace(/(.) bytes$/, '$1')
    .replace(/(.) (s|ms)$/, '$1 ($2)');
  return visibleLine(shown, 60);
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z$/;
/** Unix ms of a time since 2001; smaller numbers under such a name are not times. */
const EARLIEST_MS = 1e12;

/** A number or text whose name or form says what it is: bytes, a time. */
function knownValue(key: string, value: unknown): ReactNode {
  if (typeof value === 'number' && /bytes$/i.test(key)) return <span title={String(value)}>{formatBytes(value)}</span>;
  if (typeof value === 'number' && key.endsWith('At') && value >= EARLIEST_MS) return <DateTime at={value} />;
  if (typeof value === 'string' && ISO_TIME.test(value) && Number.isFinite(Date.parse(value)))
    return <DateTime at={Date.parse(value)} />;
  return null;
}

function Scalar({ value, label }: { readonly value: unknown; readonly label: string }) {
  if (value === null || value === undefined || value === '') return <span className="hb-quiet">{NO_VALUE}</span>;
  if (typeof value === 'boolean') return <>{value ? texts.words.yes : texts.words.no}</>;
  const known = knownValue(label, value);
  if (known !== null) return known;
  return <span className="hb-foreign">{visibleLine(typeof value === 'string' ? value : JSON.stringify(value))}</span>;
}

/** What a row is recognised by stands first: the database gives keys back in an order of its own. */
const FIRST_KEYS = [
  'name',
  'names',
  'target',
  'mount',
  'device',
  'user',
  'version',
  'port',
  'protocol',
  'address',
  'server',
  'subject',
];

const rankOf = (key: string): number => {
  const at = FIRST_KEYS.indexOf(key);
  return at === -1 ? FIRST_KEYS.length : at;
};

/** Columns of a list of records: the union of their keys. */
export function columnsOf(rows: readonly Record<string, unknown>[]): string[] {
  const columns = new Set<string>();
  for (const row of rows) for (const key of Object.keys(row)) columns.add(key);
  return [...columns].sort((x, y) => rankOf(x) - rankOf(y)).slice(0, MAX_COLUMNS);
}

const isNumeric = (rows: readonly Record<string, unknown>[], column: string): boolean =>
  rows.every((row) => row[column] === null || row[column] === undefined || typeof row[column] === 'number');

function RecordTable({
  rows,
  label,
  depth,
}: {
  readonly rows: readonly Record<string, unknown>[];
  readonly label: string;
  readonly depth: number;
}) {
  const columns = columnsOf(rows);
  return (
    <div className="hb-table-wrap">
      <table className="hb-table hb-data-table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" className={isNumeric(rows, column) ? 'hb-number' : undefined}>
                {keyText(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row, index) => (
            // Rows of foreign data have no identity of their own; the list is only shown, never reordered.
            <tr key={index}>
              {columns.map((column) => (
                <td key={column} className={isNumeric(rows, column) ? 'hb-number' : undefined}>
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

/** A long record (the packages) is a list to look things up in: in alphabetical order. */
const SORT_FROM = 24;

function Pairs({ value, depth }: { readonly value: Record<string, unknown>; readonly depth: number }) {
  const entries = Object.entries(value);
  if (entries.length >= SORT_FROM) entries.sort(([x], [y]) => x.localeCompare(y, 'en'));
  return (
    <>
      <dl className="hb-pairs">
        {entries.slice(0, MAX_ROWS).map(([key, item]) => (
          <div key={key}>
            <dt className="hb-foreign">{entries.length >= SORT_FROM ? visibleLine(key, 100) : keyText(key)}</dt>
            <dd>
              <DataView value={item} label={key} depth={depth + 1} />
            </dd>
          </div>
        ))}
      </dl>
      <Truncated left={entries.length - MAX_ROWS} />
    </>
  );
}

export function DataView({
  value,
  label,
  depth = 0,
}: {
  readonly value: unknown;
  readonly label: string;
  readonly depth?: number;
}): ReactNode {
  if (depth > MAX_DEPTH) return <Scalar value={JSON.stringify(value)} label="" />;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length === 0)
      return <span className="hb-quiet">{depth === 0 ? texts.inventory.nothing : texts.words.none}</span>;
    if (items.every(isRecord)) return <RecordTable rows={items} label={label} depth={depth} />;
    return (
      <>
        <Scalar
          value={items
            .slice(0, MAX_ROWS)
            .map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))
            .join(', ')}
          label=""
        />
        <Truncated left={items.length - MAX_ROWS} />
      </>
    );
  }
  if (isRecord(value)) return <Pairs value={value} depth={depth} />;
  return <Scalar value={value} label={label} />;
}
