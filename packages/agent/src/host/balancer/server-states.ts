import type { BalancerServer, ServerWish } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** Bits of `srv_admin_state` (HAProxy's management guide, "show servers state"). */
const MAINT = 0x01 | 0x04;
const DRAIN = 0x08;

function wishOf(bits: number): ServerWish {
  if ((bits & MAINT) !== 0) return 'maint';
  return (bits & DRAIN) === 0 ? 'ready' : 'drain';
}

/** Columns by name: their order differs between versions. */
function parseTable(
  text: string,
  isHeader: (line: string) => boolean,
  separator: string,
): readonly ReadonlyMap<string, string>[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const at = lines.findIndex(isHeader);
  if (at < 0) throw new HaubanError('PROGRAM_FAILED', 'HAProxy answers in a form that is not known');
  const names = (lines[at] ?? '').replace(/^# */, '').split(separator);
  return lines.slice(at + 1).map((line) => {
    const cells = line.split(separator);
    return new Map(names.map((name, index) => [name, cells[index] ?? '']));
  });
}

/** What `show servers state` says of each, by `backend/server`; also what a file of it says. */
export function parseWishes(states: string): ReadonlyMap<string, string> {
  const rows = parseTable(states, (line) => line.startsWith('# be_id '), ' ');
  return new Map(
    rows.map((row) => [
      `${row.get('be_name') ?? ''}/${row.get('srv_name') ?? ''}`,
      `${wishOf(Number(row.get('srv_admin_state')))} ${row.get('srv_uweight') ?? ''}`,
    ]),
  );
}

/** From `show servers state` (wishes, weights) and `show stat` (health, requests now). */
export function parseServers(states: string, statistics: string): readonly BalancerServer[] {
  const stats = new Map(
    parseTable(statistics, (line) => line.startsWith('# pxname,'), ',').map((row) => [
      `${row.get('pxname')}/${row.get('svname')}`,
      row,
    ]),
  );
  return parseTable(states, (line) => line.startsWith('# be_id '), ' ').map((row) => {
    const [backend, server] = [row.get('be_name') ?? '', row.get('srv_name') ?? ''];
    const stat = stats.get(`${backend}/${server}`);
    const status = stat?.get('status') ?? '';
    return {
      backend,
      server,
      state: wishOf(Number(row.get('srv_admin_state'))),
      // In a drain it may be up too: what counts is whether it could serve.
      isUp: /^(?:UP|no check|DRAIN|NOLB)/.test(status),
      weight: Number(row.get('srv_uweight')),
      sessions: Number(stat?.get('scur') ?? 0),
    };
  });
}
