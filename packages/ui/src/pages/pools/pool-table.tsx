import type { PoolRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { visibleLine } from '../../format/visible-text.ts';
import { PoolMark } from '../../parts/pool-mark.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.pools;

/** What an owner is asked to do with a pool. */
export interface OwnerActs {
  readonly onChange: (pool: PoolRow) => void;
  readonly onForget: (pool: PoolRow) => void;
}

function OwnerButtons({ pool, acts }: { readonly pool: PoolRow; readonly acts: OwnerActs }) {
  return (
    <span className="hb-row hb-end">
      <Button size="compact-sm" variant="default" onClick={() => acts.onChange(pool)}>
        {t.change}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => acts.onForget(pool)}>
        {t.forget}
      </Button>
    </span>
  );
}

function PoolLine({ pool, acts }: { readonly pool: PoolRow; readonly acts: OwnerActs | null }) {
  return (
    <tr>
      <td>
        <Link to={paths.pool(pool.id)} className="hb-row-link hb-foreign" data-row-link>
          {visibleLine(pool.name, 40)}
        </Link>
      </td>
      <td data-end>
        <PoolMark pool={pool} />
      </td>
      <td data-label={t.members} className="hb-number">
        {pool.memberCount}
      </td>
      <td data-wide className="hb-quiet hb-small">
        {pool.on === null ? t.chosen : <span className="hb-mono hb-foreign">{visibleLine(pool.on, 160)}</span>}
      </td>
      <td data-label={t.wishes} className="hb-number">
        {pool.itemCount}
      </td>
      <td data-label={t.repair}>
        {t.repairs[pool.repair]}
        {pool.repair === 'auto' ? <span className="hb-quiet hb-small"> {t.budgetOf(pool.budget)}</span> : null}
      </td>
      <td data-label={t.compared} className="hb-quiet">
        {pool.comparedAt === null ? null : (
          <>
            <RelativeTime at={pool.comparedAt} />,{' '}
          </>
        )}
        {t.every(pool.compareMinutes)}
      </td>
      {acts === null ? null : (
        <td data-end className="hb-number">
          <OwnerButtons pool={pool} acts={acts} />
        </td>
      )}
    </tr>
  );
}

/** @param props.acts null: the reader is no owner */
export function PoolTable({ rows, acts }: { readonly rows: readonly PoolRow[]; readonly acts: OwnerActs | null }) {
  const columns = [
    { key: 'name', title: t.name },
    { key: 'drift', title: t.drift },
    { key: 'members', title: t.members, isNumber: true },
    { key: 'on', title: '' },
    { key: 'wishes', title: t.wishes, isNumber: true },
    { key: 'repair', title: t.repair },
    { key: 'compared', title: t.compared },
    ...(acts === null ? [] : [{ key: 'acts', title: '' }]),
  ];
  return (
    <Table label={t.table} columns={columns}>
      {rows.map((pool) => (
        <PoolLine key={pool.id} pool={pool} acts={acts} />
      ))}
    </Table>
  );
}
