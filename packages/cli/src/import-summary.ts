import { EXIT } from './exit-codes.ts';
import type { ImportedAccount } from './import-accounts.ts';
import { renderTable } from './terminal.ts';

/** What an import comes to, for people: failures by their cause, with the lines of the file. Pure. */

interface Cause {
  readonly says: string;
  readonly lines: readonly number[];
}

/** The sentence without what differs from account to account. */
const causeKey = ({ says, name, domain }: ImportedAccount): string =>
  says.replaceAll(domain, '…').replaceAll(name, '…').replaceAll(/\d+/g, '…');

function causesOf(failed: readonly ImportedAccount[]): readonly Cause[] {
  const byKey = new Map<string, { readonly says: string; readonly lines: number[] }>();
  for (const one of failed) {
    const key = causeKey(one);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { says: one.says, lines: [one.line] });
    else known.lines.push(one.line);
  }
  return [...byKey.values()].toSorted((a, b) => b.lines.length - a.lines.length);
}

/** 2, 5-7 */
function linesText(lines: readonly number[]): string {
  const parts: [from: number, to: number][] = [];
  for (const line of lines.toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last?.[1] === line - 1) last[1] = line;
    else parts.push([line, line]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

const isDone = ({ exit }: ImportedAccount): boolean => exit === EXIT.ok;

export function importSummary(done: readonly ImportedAccount[], total: number): string {
  const [made, failed] = [done.filter(isDone), done.filter((one) => !isDone(one))];
  const old = made.filter(({ isOld }) => isOld).length;
  const earlier = old === 0 ? '' : ` (${old} of them by an earlier import; --again looks at them anew)`;
  const counts = `${made.length} of ${total} accounts are there${earlier}.`;
  const left = total - made.length;
  if (left === 0) return counts;
  const rows = causesOf(failed).map(({ says, lines }) => [String(lines.length), linesText(lines), says]);
  const table = rows.length === 0 ? '' : `${renderTable(['ACCOUNTS', 'LINES', 'WHY'], rows)}\n\n`;
  return `${table}${counts} The same command again goes on with the other ${left}.`;
}
