import { ACTIONS, parseActionArguments, UID_RANGE } from '@hauban/shared/actions';

/** A file with an account a line: read whole and judged whole, before anything is sent. Pure. */

export interface AccountLine {
  /** In the file, from 1. */
  readonly line: number;
  readonly args: Readonly<Record<string, unknown>>;
}
export type AccountFile =
  | { readonly ok: true; readonly accounts: readonly AccountLine[] }
  /** One sentence each, with the number of the line. */
  | { readonly ok: false; readonly problems: readonly string[] };

const COLUMNS = ['name', 'domain', 'phpVersion', 'uid', 'comment'] as const;
type Column = (typeof COLUMNS)[number];
const NEEDED: readonly Column[] = ['name', 'domain', 'phpVersion'];
const LINES_LIMIT = 10_000;
const SEPARATORS = [',', ';', '\t'] as const;

/** RFC 4180 in one line: a field in quotes may hold the separator and doubled quotes; null when a quote is not closed. */
function fieldsOf(line: string, separator: string): readonly string[] | null {
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(rest);
    const end = quoted === null ? rest.indexOf(separator) : quoted[0].length;
    const isLast = quoted === null ? end < 0 : end === rest.length;
    if (quoted === null && /^\s*"/.test(rest)) return null;
    if (quoted !== null && !isLast && rest[end] !== separator) return null;
    fields.push(
      quoted === null ? (isLast ? rest : rest.slice(0, end)).trim() : (quoted[1] ?? '').replaceAll('""', '"'),
    );
    if (isLast) return fields;
    rest = rest.slice(end + 1);
  }
}

function readHeader(line: string): { readonly separator: string; readonly columns: readonly Column[] } | string {
  const separator = SEPARATORS.find((each) => line.includes(each)) ?? ',';
  const named = (fieldsOf(line, separator) ?? []).map(
    (field) => COLUMNS.find((column) => column.toLowerCase() === field.toLowerCase().replaceAll(/[-_ ]/g, '')) ?? field,
  );
  const strange = named.find((field) => !COLUMNS.includes(field as Column));
  const says = `the first line names the columns: ${NEEDED.join(', ')}, and uid and comment if you like`;
  if (strange !== undefined) return `line 1: "${strange.slice(0, 40)}" is no column; ${says}`;
  const missing = NEEDED.find((column) => !named.includes(column));
  if (missing !== undefined) return `line 1: the column ${missing} is missing; ${says}`;
  if (new Set(named).size < named.length) return 'line 1: a column is named twice';
  return { separator, columns: named as Column[] };
}

function argsOf(columns: readonly Column[], fields: readonly string[]): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const [at, column] of columns.entries()) {
    const text = fields[at] ?? '';
    if (text === '') continue;
    args[column] = column === 'uid' && /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
  }
  return args;
}

/** What the node would say later, with all of it said now. */
function judge(args: Readonly<Record<string, unknown>>): string | null {
  const action = ACTIONS.get('account.create');
  if (action === undefined) throw new TypeError('there is no account.create');
  const missing = NEEDED.find((column) => args[column] === undefined);
  if (missing !== undefined) return `${missing} is empty`;
  // The controller gives a number to who has none.
  const parsed = parseActionArguments(action, { uid: UID_RANGE.first, ...args });
  return parsed.ok ? null : parsed.problem;
}

/** Texts of one column that were seen on an earlier line. */
class Seen {
  readonly #lines = new Map<string, number>();

  again(args: Readonly<Record<string, unknown>>, line: number): string | null {
    for (const column of ['name', 'domain', 'uid'] as const) {
      if (args[column] === undefined) continue;
      const key = `${column} ${JSON.stringify(args[column]).replaceAll('"', '')}`;
      const first = this.#lines.get(key);
      if (first !== undefined) return `${key} is on line ${first} already`;
      this.#lines.set(key, line);
    }
    return null;
  }
}

export function parseAccountFile(text: string): AccountFile {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const header = readHeader(lines[0] ?? '');
  if (typeof header === 'string') return { ok: false, problems: [header] };
  const seen = new Seen();
  const accounts: AccountLine[] = [];
  const problems: string[] = [];
  for (const [at, content] of lines.entries()) {
    if (at === 0 || content.trim() === '') continue;
    const line = at + 1;
    const fields = fieldsOf(content, header.separator);
    const isWhole = fields !== null && fields.length === header.columns.length;
    const args = isWhole ? argsOf(header.columns, fields) : {};
    const count = fields === null ? 'a quote is not closed' : `${fields.length} fields, not ${header.columns.length}`;
    const problem = isWhole ? (judge(args) ?? seen.again(args, line)) : count;
    if (problem === null) accounts.push({ line, args });
    else problems.push(`line ${line}: ${problem}`);
  }
  if (accounts.length + problems.length > LINES_LIMIT)
    return { ok: false, problems: [`there are more than ${LINES_LIMIT} lines: import it in parts`] };
  if (accounts.length + problems.length === 0) return { ok: false, problems: ['there is no account in it'] };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, accounts };
}
