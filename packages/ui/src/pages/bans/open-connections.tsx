import type { BanSearch } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { visibleLine } from '../../format/visible-text.ts';
import { Table } from '../../parts/table.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.bans;
/** Those with the most; of more only the number matters on the telephone. */
const MOST_SHOWN = 20;

/** Which nodes talk with the address right now, banned there or not: it tells whether a customer reaches anything. */
export function OpenConnections({ connected, counted }: Pick<BanSearch, 'connected' | 'counted'>) {
  if (counted === 0) return null;
  if (connected.length === 0) return <p className="hb-quiet">{t.noConnections(counted)}</p>;
  const columns = [
    { key: 'node', title: texts.words.node },
    { key: 'count', title: t.connectionCount, isNumber: true },
  ];
  const more = connected.length - MOST_SHOWN;
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{t.connections}</h2>
      <div className="hb-card hb-ban-connections">
        <Table label={t.connections} columns={columns}>
          {connected.slice(0, MOST_SHOWN).map(({ nodeId, hostName, count }) => (
            <tr key={nodeId}>
              <td>
                <Link to={paths.node(nodeId)} className="hb-row-link">
                  {visibleLine(hostName, 100)}
                </Link>
              </td>
              <td className="hb-number" data-end>
                {count}
              </td>
            </tr>
          ))}
        </Table>
      </div>
      {more > 0 ? <p className="hb-quiet">{texts.words.truncated(more)}</p> : null}
    </section>
  );
}
