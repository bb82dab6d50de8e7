import type { NodeDetail } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { NO_VALUE } from '../../format/units.ts';
import { ForeignText } from '../../parts/foreign-text.tsx';
import { Mark } from '../../parts/mark.tsx';
import { Facts } from '../../parts/page.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.node;

type Row = readonly [label: string, value: ReactNode];

/** What is only worth a line when there is something. */
function now(node: NodeDetail): Row[] {
  const rows: Row[] = [];
  if (node.openShells > 0)
    rows.push([
      t.facts.shells,
      <Link key="shells" to={paths.node(node.id, 'shells')}>
        {node.openShells}
      </Link>,
    ]);
  if (node.spoolChunks > 0) rows.push([t.facts.spool, t.spool(node.spoolChunks)]);
  return rows;
}

export function NodeFacts({ node }: { readonly node: NodeDetail }) {
  const rights = node.isRoot ? (
    t.facts.root
  ) : (
    <Mark tone="warn" word={t.facts.notRoot} hint={texts.fleet.notRootHint} />
  );
  const link: Row =
    node.state === 'up'
      ? [t.facts.connected, <RelativeTime key="connected" at={node.connectedAt} />]
      : [t.facts.lastSeen, <RelativeTime key="seen" at={node.lastSeenAt} />];
  return (
    <div className="hb-card hb-card-pad">
      <Facts
        rows={[
          [t.facts.system, <ForeignText key="os" text={node.os} />],
          [t.facts.agent, <ForeignText key="agent" text={node.agentVersion} />],
          [t.facts.rights, rights],
          [t.facts.address, <ForeignText key="address" text={node.remoteAddress ?? NO_VALUE} />],
          link,
          [t.facts.booted, <RelativeTime key="booted" at={node.bootedAt} />],
          [t.facts.enrolled, <RelativeTime key="enrolled" at={node.enrolledAt} />],
          ...now(node),
        ]}
      />
    </div>
  );
}
