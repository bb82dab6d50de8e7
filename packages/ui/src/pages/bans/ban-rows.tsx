import { listOfReason } from '@hauban/shared/actions';
import type { BanSearch, SilentNode } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { ForeignText } from '../../parts/foreign-text.tsx';
import { Notice } from '../../parts/notices.tsx';
import { Table } from '../../parts/table.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { visibleLine } from '../../format/visible-text.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.bans;
/** Named one by one; of more only the number matters on the telephone. */
const MOST_NAMED = 30;

type Found = BanSearch['found'][number];

/** What a list bans is told by the list's name. */
function reasonOf({ source, reason }: Found['answer']['bans'][number]): string {
  const list = source === 'hauban' ? listOfReason(reason) : null;
  return list === null ? reason : t.byList(list);
}

function BanRows({ node }: { readonly node: Found }) {
  return node.answer.bans.map((ban, index) => (
    // A node may tell the same ban twice.
    <tr key={`${ban.source} ${ban.where} ${ban.target} ${index}`}>
      <td>
        <Link to={paths.node(node.nodeId)} className="hb-row-link">
          {visibleLine(node.hostName, 100)}
        </Link>
      </td>
      <td>
        {t.sources[ban.source]} <ForeignText text={ban.where} max={200} />
      </td>
      <td className="hb-mono">
        <ForeignText text={ban.target} max={60} />
      </td>
      <td data-wide>
        <ForeignText text={reasonOf(ban)} max={200} />
      </td>
      <td>{ban.since === null ? <span className="hb-quiet">{texts.words.none}</span> : <DateTime at={ban.since} />}</td>
      <td>{ban.until === null ? t.untilLifted : <DateTime at={ban.until} />}</td>
      <td className="hb-number" data-end>
        {ban.packets ?? ''}
      </td>
    </tr>
  ));
}

/** Where it is banned: a row a ban. */
export function FoundTable({ found }: Pick<BanSearch, 'found'>) {
  const columns = [
    { key: 'node', title: texts.words.node },
    { key: 'where', title: t.where },
    { key: 'target', title: t.target },
    { key: 'why', title: t.why },
    { key: 'since', title: t.since },
    { key: 'until', title: t.until },
    { key: 'packets', title: t.packets, isNumber: true },
  ];
  const nevers = found.filter(({ answer }) => answer.never !== null);
  return (
    <>
      <div className="hb-card">
        <Table label={t.table} columns={columns}>
          {found.map((node) => (
            <BanRows key={node.nodeId} node={node} />
          ))}
        </Table>
      </div>
      {nevers.map(({ nodeId, hostName, answer }) => (
        <Notice key={nodeId} tone="idle">
          <ForeignText text={hostName} max={100} />{' '}
          <span className="hb-foreign">
            {t.never(visibleLine(answer.never?.target ?? '', 60), visibleLine(answer.never?.why ?? '', 200))}
          </span>
        </Notice>
      ))}
    </>
  );
}

/** Nodes of which nobody knows, by name. */
export function SilentNodes({
  nodes,
  title,
  withDetail,
}: {
  readonly nodes: readonly SilentNode[];
  readonly title: string;
  readonly withDetail: boolean;
}) {
  if (nodes.length === 0) return null;
  const named = nodes.slice(0, MOST_NAMED).map(({ hostName, detail }) => {
    const host = visibleLine(hostName, 100);
    return withDetail && detail !== '' ? `${host} (${visibleLine(detail, 200)})` : host;
  });
  return (
    <Notice tone="warn">
      {title} <span className="hb-foreign">{named.join(', ')}</span>
      {nodes.length > MOST_NAMED ? ` ${texts.words.truncated(nodes.length - MOST_NAMED)}` : null}
    </Notice>
  );
}
