import type { PoolDetail, PoolMember } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { usePoolWork } from '../../api/pool-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { ErrorNotice } from '../../parts/notices.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { BringAll } from './put-right.tsx';

const t = texts.pool;
const STEP = 200;

/** What is known of a node, worst first. */
function Standing({ member }: { readonly member: PoolMember }) {
  if (member.work !== null)
    return (
      <span className="hb-chips">
        <Mark tone="busy" word={t.works[member.work.kind]} />
        <span className="hb-quiet hb-small hb-foreign">{visibleLine(member.work.says, 200)}</span>
      </span>
    );
  if (member.comparedAt === null) return <span className="hb-quiet">{texts.time.never}</span>;
  const marks = [
    ...(member.blocked > 0 ? [<Mark key="b" tone="bad" word={`${member.blocked} ${t.is.blocked}`} />] : []),
    ...(member.differs > 0 ? [<Mark key="d" tone="warn" word={texts.pools.differs(member.differs)} />] : []),
    ...(member.adopted > 0 ? [<Mark key="a" tone="idle" word={`${member.adopted} ${t.is.adopted}`} />] : []),
  ];
  return (
    <span className="hb-chips">{marks.length === 0 ? <Mark tone="ok" word={texts.pools.asWished} /> : marks}</span>
  );
}

interface MemberActs {
  readonly onCompare: () => void;
  readonly onJoin: () => void;
}

function MemberButtons({ isBusy, acts }: { readonly isBusy: boolean; readonly acts: MemberActs }) {
  return (
    <span className="hb-row hb-end">
      <Button size="compact-sm" variant="default" disabled={isBusy} onClick={acts.onCompare}>
        {t.compare}
      </Button>
      <Button size="compact-sm" variant="default" disabled={isBusy} onClick={acts.onJoin}>
        {t.join}
      </Button>
    </span>
  );
}

function MemberLine({ member, acts }: { readonly member: PoolMember; readonly acts: MemberActs | null }) {
  return (
    <tr>
      <td>
        <Link to={paths.node(member.nodeId)} className="hb-row-link hb-foreign" data-row-link>
          {visibleLine(member.hostName, 100)}
        </Link>
      </td>
      <td data-end>
        <Mark tone={member.isOnline ? 'ok' : 'bad'} word={member.isOnline ? t.online : t.offline} />
      </td>
      <td data-wide>
        <Standing member={member} />
      </td>
      <td data-label={t.comparedAt} className="hb-quiet">
        <RelativeTime at={member.comparedAt} />
      </td>
      {acts === null ? null : (
        <td data-end className="hb-number">
          <MemberButtons isBusy={member.work !== null} acts={acts} />
        </td>
      )}
    </tr>
  );
}

/** The nodes of a pool and how they stand. */
export function NodesTab({ pool, mayAct }: { readonly pool: PoolDetail; readonly mayAct: boolean }) {
  const [joining, setJoining] = useState<PoolMember | null>(null);
  const compare = usePoolWork(pool.id, () => notifications.show({ message: t.begun }));
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const columns = [
    { key: 'host', title: texts.words.node },
    { key: 'online', title: t.state },
    { key: 'standing', title: texts.pools.drift },
    { key: 'compared', title: t.comparedAt },
    ...(mayAct ? [{ key: 'acts', title: '' }] : []),
  ];
  return (
    <div className="hb-stack">
      {compare.error === null ? null : <ErrorNotice error={compare.error} />}
      <ListView
        query={{ data: pool.members, error: null, refetch: () => undefined }}
        what={t.tabs.nodes}
        none={{ title: t.nodesNone }}
        step={STEP}
        place={list}
      >
        {(members) => (
          <Table label={t.nodesTable} columns={columns}>
            {members.map((member) => (
              <MemberLine
                key={member.nodeId}
                member={member}
                acts={
                  mayAct
                    ? {
                        onCompare: () => compare.mutate({ kind: 'compare', only: [member.nodeId] }),
                        onJoin: () => setJoining(member),
                      }
                    : null
                }
              />
            ))}
          </Table>
        )}
      </ListView>
      {joining === null ? null : <BringAll pool={pool} member={joining} onClose={() => setJoining(null)} />}
    </div>
  );
}
