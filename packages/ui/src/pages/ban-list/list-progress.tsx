import type { BanListRow, PoolDetail } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { usePool, usePoolDrift } from '../../api/pool-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark, type Tone } from '../../parts/mark.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { ProgressLine } from '../../parts/progress-line.tsx';
import { Table } from '../../parts/table.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { standingsOf, type NodeStanding, type Standing } from './list-standing.ts';

const t = texts.banList;
const TONES: Readonly<Record<Standing, Tone>> = {
  blocked: 'bad',
  differs: 'warn',
  'on-its-way': 'busy',
  adopted: 'idle',
  'has-it': 'ok',
};
/** Named one by one; of more only the number is said. */
const MOST_NAMED = 30;

function StandingLine({ row: { member, standing, says } }: { readonly row: NodeStanding }) {
  const isAway = !member.isOnline && standing !== 'has-it';
  return (
    <tr>
      <td>
        <Link to={paths.node(member.nodeId)} className="hb-row-link hb-foreign">
          {visibleLine(member.hostName, 100)}
        </Link>
      </td>
      <td data-end>
        <Mark tone={isAway ? 'idle' : TONES[standing]} word={isAway ? t.whenBack : t.standings[standing]} />
      </td>
      <td data-wide className="hb-quiet hb-small hb-foreign">
        {visibleLine(says, 300)}
      </td>
    </tr>
  );
}

const COLUMNS = [
  { key: 'node', title: texts.words.node },
  { key: 'state', title: texts.words.state },
  { key: 'says', title: t.says },
];

function Members({ pool, list }: { readonly pool: PoolDetail; readonly list: string }) {
  const drift = usePoolDrift(pool);
  return (
    <QueryView query={drift} what={texts.pools.drift}>
      {(rows) => {
        const standings = standingsOf(pool, rows, list);
        const lacking = standings.filter(({ standing }) => standing !== 'has-it');
        const there = standings.length - lacking.length;
        return (
          <>
            <ProgressLine
              label={t.there(there, standings.length)}
              value={there}
              max={standings.length}
              isOver={lacking.length === 0}
            />
            {lacking.length === 0 ? null : (
              <Table label={t.lacking(pool.name)} columns={COLUMNS}>
                {lacking.slice(0, MOST_NAMED).map((row) => (
                  <StandingLine key={row.member.nodeId} row={row} />
                ))}
              </Table>
            )}
            {lacking.length > MOST_NAMED ? (
              <p className="hb-quiet hb-small">{texts.words.truncated(lacking.length - MOST_NAMED)}</p>
            ) : null}
          </>
        );
      }}
    </QueryView>
  );
}

function PoolProgress({
  poolId,
  name,
  list,
}: {
  readonly poolId: string;
  readonly name: string;
  readonly list: BanListRow;
}) {
  // Read before the list was changed, the pool would say of every node that it has the list as it is.
  const pool = usePool(poolId, list.version);
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.onPool(name)}>
      <h2 className="hb-section-title">
        <Link to={paths.pool(poolId)} className="hb-foreign">
          {t.onPool(visibleLine(name, 40))}
        </Link>
      </h2>
      <QueryView query={pool} what={texts.pools.title}>
        {(detail) => <Members pool={detail} list={list.name} />}
      </QueryView>
    </section>
  );
}

/** Which nodes have the list as it is now, pool by pool. */
export function ListProgress({ list }: { readonly list: BanListRow }) {
  if (list.pools.length === 0) return <p className="hb-quiet">{t.noPools}</p>;
  return list.pools.map(({ id, name }) => <PoolProgress key={id} poolId={id} name={name} list={list} />);
}
