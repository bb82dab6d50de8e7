import type { NodeQuery, NodeRow } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { formatNumber } from '../../format/units.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { RatioBar } from '../../parts/ratio-bar.tsx';
import { RoleChips } from '../../parts/role-chips.tsx';
import { NodeStateMark } from '../../parts/state-marks.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.fleet;
type Sort = NonNullable<NodeQuery['sort']>;
type Order = 'asc' | 'desc';

const COLUMNS: readonly { readonly key: keyof typeof t.columns; readonly sort?: Sort; readonly isNumber?: boolean }[] =
  [
    { key: 'hostName', sort: 'hostName' },
    { key: 'state', sort: 'state' },
    { key: 'roles' },
    { key: 'cpu', sort: 'cpu', isNumber: true },
    { key: 'memory', sort: 'memory', isNumber: true },
    { key: 'fullest', isNumber: true },
    { key: 'load', sort: 'load', isNumber: true },
    { key: 'units' },
    { key: 'lastSeen', sort: 'lastSeenAt' },
    { key: 'system' },
  ];

/** Figures are worth the most when high: the first press on them sorts downward. */
const FIRST_ORDER: Partial<Record<Sort, Order>> = {
  cpu: 'desc',
  memory: 'desc',
  load: 'desc',
  lastSeenAt: 'desc',
  state: 'desc',
};

export interface FleetTableProps {
  readonly nodes: readonly NodeRow[];
  readonly sort: Sort;
  readonly order: Order;
  readonly onSort: (sort: Sort, order: Order) => void;
}

export function FleetTable({ nodes, sort, order, onSort }: FleetTableProps) {
  const columns = COLUMNS.map(({ key, sort: by, isNumber }): Column => {
    const plain = { key, title: t.columns[key], ...(isNumber === undefined ? {} : { isNumber }) };
    if (by === undefined) return plain;
    const next = sort === by ? (order === 'asc' ? 'desc' : 'asc') : (FIRST_ORDER[by] ?? 'asc');
    return { ...plain, sorted: sort === by ? order : null, onSort: () => onSort(by, next) };
  });
  return (
    <Table label={t.tableLabel} columns={columns}>
      {nodes.map((node) => (
        <FleetRow key={node.id} node={node} />
      ))}
    </Table>
  );
}

const FleetRow = memo(function FleetRow({ node }: { readonly node: NodeRow }) {
  const { figures } = node;
  return (
    <tr className="hb-fleet-row" data-state={node.state}>
      <td className="hb-fleet-host">
        <Link to={paths.node(node.id)} className="hb-row-link hb-foreign" data-row-link>
          {visibleLine(node.hostName, 100)}
        </Link>
      </td>
      <td>
        <NodeStateMark state={node.state} />
      </td>
      <td data-wide className="hb-fleet-roles">
        <RoleChips roles={node.roles} labels={node.labels} />
      </td>
      <td className="hb-number" data-label={t.columns.cpu}>
        <RatioBar ratio={figures.cpuBusyRatio} label={t.columns.cpu} />
      </td>
      <td className="hb-number" data-label={t.columns.memory}>
        <RatioBar ratio={figures.memoryUsedRatio} label={t.columns.memory} highAt={0.9} criticalAt={0.97} />
      </td>
      <td className="hb-number" data-label={t.columns.fullest}>
        <RatioBar ratio={figures.fullestFsRatio} label={t.columns.fullest} highAt={0.85} criticalAt={0.95} />
      </td>
      <td className="hb-number" data-label={t.columns.load}>
        {figures.load1 === null ? <span className="hb-quiet">–</span> : formatNumber(figures.load1)}
      </td>
      <td className="hb-fleet-units">
        <FailedUnits count={figures.failedUnits} />
      </td>
      <td className="hb-fleet-seen hb-quiet" data-label={t.columns.lastSeen}>
        <RelativeTime at={node.lastSeenAt} />
      </td>
      <td className="hb-fleet-os hb-quiet hb-small">
        <span className="hb-foreign" title={visibleLine(node.os, 200)}>
          {shortSystem(visibleLine(node.os, 60))}
        </span>
        {node.isRoot ? null : (
          <>
            {' '}
            <span className="hb-chip" title={t.notRootHint}>
              {t.notRoot}
            </span>
          </>
        )}
      </td>
    </tr>
  );
});

/** "Debian GNU/Linux 12 (bookworm)" is "Debian 12" where space is short. */
export const shortSystem = (os: string): string => os.replace(' GNU/Linux', '').replace(/ \([a-z]+\)$/, '');

function FailedUnits({ count }: { readonly count: number | null }) {
  if (count === null) return <span className="hb-quiet">–</span>;
  if (count === 0) return <span className="hb-quiet">0</span>;
  return <Mark tone="warn" word={String(count)} hint={t.failedUnits(count)} />;
}
