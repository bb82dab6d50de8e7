import type { TrustState } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { visibleLine } from '../../format/visible-text.ts';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.trust;

/** Nodes that hold another version than the one in force. */
export function NodesBehind({ version, nodes }: { readonly version: number; readonly nodes: TrustState['nodes'] }) {
  const others = nodes.filter((node) => node.version !== version);
  const columns = [
    { key: 'host', title: t.host },
    { key: 'holds', title: t.holds, isNumber: true },
    { key: 'said', title: t.said },
  ];
  if (others.length === 0) return <p className="hb-quiet">{t.allNodes}</p>;
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{t.nodes}</h2>
      <div className="hb-card">
        <Table label={t.nodes} columns={columns}>
          {others.map((node) => (
            <tr key={node.nodeId}>
              <td>
                <Link to={paths.node(node.nodeId)} className="hb-row-link hb-foreign">
                  {visibleLine(node.hostName, 100)}
                </Link>
              </td>
              <td data-label={t.holds} className="hb-number">
                {node.version === 0 ? t.noVersion : node.version}
              </td>
              <td data-label={t.said} className="hb-quiet">
                <RelativeTime at={node.saidAt} />
              </td>
            </tr>
          ))}
        </Table>
      </div>
    </section>
  );
}
