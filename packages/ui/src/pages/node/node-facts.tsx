import type { NodeDetail } from '@hauban/shared/api';
import { ForeignText } from '../../parts/foreign-text.tsx';
import { Mark } from '../../parts/mark.tsx';
import { Facts } from '../../parts/page.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.node;

export function NodeFacts({ node }: { readonly node: NodeDetail }) {
  return (
    <div className="hb-card hb-card-pad">
      <Facts
        rows={[
          [t.facts.system, <ForeignText key="os" text={node.os} />],
          [t.facts.agent, <ForeignText key="agent" text={node.agentVersion} />],
          [
            t.facts.rights,
            node.isRoot ? (
              t.facts.root
            ) : (
              <Mark key="root" tone="warn" word={t.facts.notRoot} hint={texts.fleet.notRootHint} />
            ),
          ],
          [t.facts.address, <ForeignText key="address" text={node.remoteAddress ?? '–'} />],
          node.state === 'up'
            ? [t.facts.connected, <RelativeTime key="connected" at={node.connectedAt} />]
            : [t.facts.lastSeen, <RelativeTime key="seen" at={node.lastSeenAt} />],
          [t.facts.booted, <RelativeTime key="booted" at={node.bootedAt} />],
          [t.facts.enrolled, <RelativeTime key="enrolled" at={node.enrolledAt} />],
          [t.facts.shells, String(node.openShells)],
          [t.facts.spool, node.spoolChunks === 0 ? t.spoolNone : t.spool(node.spoolChunks)],
        ]}
      />
    </div>
  );
}
