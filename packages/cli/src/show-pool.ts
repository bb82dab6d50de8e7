import { countOf } from '@hauban/shared/actions';
import type { DriftRow, PoolDetail, PoolItemRow, PoolMember, PoolRow, PoolWorkRow } from '@hauban/shared/api';
import { plainLine } from './plain-text.ts';
import { renderPlan } from './show-plan.ts';
import { localTime, renderTable } from './terminal.ts';

/** Pools as people read them. Host names, reasons and diffs come from nodes: all of it is made safe for the terminal. */

const membersOf = ({ on, memberCount }: PoolRow): string =>
  on === null ? countOf(memberCount, 'node') : `${countOf(memberCount, 'node')}: ${on}`;
const repairOf = ({ repair, budget }: PoolRow): string => (repair === 'auto' ? `auto, ${budget} an hour` : 'show');

export function poolTable(pools: readonly PoolRow[]): string {
  if (pools.length === 0) return 'There is no pool whose nodes you may read.';
  return renderTable(
    ['POOL', 'NODES', 'WISHED', 'DIFFERENCES', 'REPAIR', 'COMPARED EVERY', 'VERSION'],
    pools.map((pool) => [
      pool.name,
      membersOf(pool),
      String(pool.itemCount),
      pool.driftCount === 0 ? 'none' : String(pool.driftCount),
      repairOf(pool),
      `${pool.compareMinutes} min`,
      String(pool.version),
    ]),
  );
}

function standing(member: PoolMember): string {
  if (member.work !== null) return `${member.work.kind}: ${member.work.says}`;
  if (member.comparedAt === null) return 'not compared yet';
  const parts = [
    ...(member.blocked > 0 ? [`${member.blocked} blocked`] : []),
    ...(member.differs > 0 ? [`${member.differs} differ`] : []),
    ...(member.adopted > 0 ? [`${member.adopted} adopted`] : []),
  ];
  return parts.length === 0 ? 'as wished' : parts.join(', ');
}

const itemRow = (item: PoolItemRow): string[] => [item.key, item.action, item.addedBy, localTime(item.addedAt)];

export function renderPool(pool: PoolDetail): string {
  const members = renderTable(
    ['NODE', 'CONNECTED', 'STANDS', 'COMPARED'],
    pool.members.map((member) => [
      member.hostName,
      member.isOnline ? 'yes' : 'no',
      standing(member),
      localTime(member.comparedAt),
    ]),
  );
  const items = renderTable(['ABOUT', 'ACTION', 'WISHED BY', 'SINCE'], pool.items.map(itemRow));
  return [
    poolTable([pool]),
    pool.members.length === 0 ? 'No node belongs to it now.' : members,
    pool.items.length === 0 ? 'Nothing is wished of it.' : items,
  ].join('\n\n');
}

const fateOf = ({ state, adoptedAt, adoptedBy }: DriftRow): string =>
  adoptedAt === null ? state : `adopted by ${plainLine(adoptedBy ?? '')} ${localTime(adoptedAt)}`;

function renderDrift(row: DriftRow): string {
  const lines = [
    `${plainLine(row.hostName)}: ${plainLine(row.key)}`,
    `  ${fateOf(row)};${row.changedAt === null ? '' : ` changed ${localTime(row.changedAt)},`} since ${localTime(row.since)}, last seen ${localTime(row.seenAt)}`,
    `  ${plainLine(row.says)}`,
  ];
  if (row.changes.length > 0) lines.push(renderPlan({ hash: row.hash, changes: row.changes, notes: [] }));
  // What adopt asks for: the beginning is enough to name it.
  return [...lines, `  difference ${row.hash.slice(0, 12)}`].join('\n');
}

/** @param isAll adopted ones too */
export function driftText(rows: readonly DriftRow[], isAll: boolean): string {
  const shown = rows.filter(({ adoptedAt }) => isAll || adoptedAt === null);
  const adopted = rows.length - shown.length;
  const foot = adopted === 0 ? '' : `\n\n${countOf(adopted, 'adopted difference')} not shown: see --all.`;
  if (shown.length === 0) return `Nothing differs, as far as it is known.${foot}`;
  return `${shown.map(renderDrift).join('\n\n')}${foot}`;
}

/** What became of works, by the nodes' names. */
export function workText(works: readonly PoolWorkRow[], pool: PoolDetail): string {
  const hosts = new Map(pool.members.map(({ nodeId, hostName }) => [nodeId, hostName]));
  const keys = new Map(pool.items.map(({ id, key }) => [id, key]));
  return works
    .flatMap((work) => [
      `${plainLine(hosts.get(work.nodeId) ?? work.nodeId)}: ${plainLine(work.says)}`,
      ...work.failed.map(({ itemId, says }) => `  ${plainLine(keys.get(itemId) ?? itemId)}: ${plainLine(says)}`),
    ])
    .join('\n');
}
