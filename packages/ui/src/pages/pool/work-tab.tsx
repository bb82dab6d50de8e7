import type { PoolDetail, PoolWorkRow } from '@hauban/shared/api';
import { usePoolWorks } from '../../api/pool-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ListView } from '../../parts/list-view.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { WorkMark } from './work-marks.tsx';

const t = texts.pool;

function WorkLine({ work, host }: { readonly work: PoolWorkRow; readonly host: string }) {
  return (
    <tr>
      <td>{t.works[work.kind]}</td>
      <td data-end className="hb-quiet">
        <RelativeTime at={work.createdAt} />
      </td>
      <td>
        <span className="hb-foreign">{host}</span>
      </td>
      <td data-end>
        <WorkMark work={work} />
      </td>
      <td data-wide>
        <span className="hb-foreign">{visibleLine(work.says, 500)}</span>
        {work.failed.length === 0 ? null : <span className="hb-quiet hb-small"> {t.failed(work.failed.length)}</span>}
      </td>
      <td data-label={t.by}>
        <span className="hb-foreign">{visibleLine(work.requester, 64)}</span>
      </td>
    </tr>
  );
}

/** What was and is done on the nodes, newest first. */
export function WorkTab({ pool }: { readonly pool: PoolDetail }) {
  const works = usePoolWorks(pool);
  const hosts = new Map(pool.members.map(({ nodeId, hostName }) => [nodeId, visibleLine(hostName, 100)]));
  const columns = [
    { key: 'kind', title: t.kind },
    { key: 'when', title: texts.words.when },
    { key: 'node', title: texts.words.node },
    { key: 'state', title: t.state },
    { key: 'says', title: t.says },
    { key: 'by', title: t.by },
  ];
  return (
    <ListView query={works} what={t.tabs.work} none={{ title: t.worksNone }}>
      {(rows) => (
        <Table label={t.worksTable} columns={columns}>
          {rows.map((work) => (
            <WorkLine key={work.id} work={work} host={hosts.get(work.nodeId) ?? t.goneWork} />
          ))}
        </Table>
      )}
    </ListView>
  );
}
