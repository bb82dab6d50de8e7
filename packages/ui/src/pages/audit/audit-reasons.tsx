import type { AuditWhy } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAuditWhy } from '../../api/hooks.ts';
import { visibleLine, visibleText } from '../../format/visible-text.ts';
import { QueryView } from '../../parts/notices.tsx';
import { Facts } from '../../parts/page.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.audit;
const mono = (text: string): ReactNode => <span className="hb-mono hb-small">{text}</span>;
const foreign = (text: string): ReactNode => <span className="hb-foreign">{visibleLine(text, 300)}</span>;

/** Facts of why it was allowed, as far as they are stored. */
function reasonFacts({ who, role, rule, order }: AuditWhy): (readonly [string, ReactNode])[] {
  const facts: (readonly [string, ReactNode])[] = [[t.whyAsked, foreign(order?.said?.requester ?? who)]];
  if (role !== null) facts.push([t.whyRole, foreign(role)]);
  if (rule !== null) facts.push([t.whyRule, foreign(rule)]);
  if (order === null || order.said === null) return [...facts, [t.whyOrder, t.whyUnsigned]];
  facts.push([t.whyOrder, foreign(order.said.what)]);
  if (order.hash !== null) facts.push([t.whyHash, mono(order.hash)]);
  if (order.said.reason !== null) facts.push([t.whyReason, foreign(order.said.reason)]);
  facts.push([t.whyApprovals, String(order.said.approvals)]);
  return facts;
}

function Places({ why, nodeId }: { readonly why: AuditWhy; readonly nodeId: string | null }) {
  return (
    <div className="hb-row">
      {why.runId === null ? null : <Link to={paths.run(why.runId)}>{`${t.open}: ${t.run}`}</Link>}
      {why.sessionId === null ? null : <Link to={paths.recording(why.sessionId)}>{`${t.open}: ${t.shell}`}</Link>}
      {nodeId === null ? null : <Link to={paths.node(nodeId, 'policy')}>{`${t.open}: ${t.node}`}</Link>}
    </div>
  );
}

/** Why it was allowed: who asked, by which signed order, and what the node's own policy says. */
export function AuditReasons({ seq, nodeId }: { readonly seq: number; readonly nodeId: string | null }) {
  const query = useAuditWhy(seq);
  return (
    <section aria-label={t.why}>
      <h3 className="hb-section-title">{t.why}</h3>
      <QueryView query={query}>
        {(why) => (
          <div className="hb-stack">
            <Facts rows={reasonFacts(why)} />
            <Places why={why} nodeId={nodeId} />
            {why.policy === null ? null : (
              <details>
                <summary>
                  {t.whyPolicy}{' '}
                  <span className="hb-mono hb-small hb-quiet">{t.whyPolicyHash(visibleLine(why.policy.hash, 64))}</span>
                </summary>
                <pre className="hb-block">{visibleText(why.policy.text)}</pre>
              </details>
            )}
          </div>
        )}
      </QueryView>
    </section>
  );
}
