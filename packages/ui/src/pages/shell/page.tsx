/** A shell on a node, in the browser. */
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useNode, useSessions } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Loading, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { useSearchState } from '../../parts/use-search-state.ts';
import { usePathParam } from '../../parts/use-path-param.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { OpenShell } from './open-shell.tsx';
import './shell.css';

const t = texts.shell;

// The terminal is read when a shell is there to be shown.
const LiveShell = lazy(() => import('./live-shell.tsx'));

/** Shells of this node that are still open: one may go back to them. */
function OpenShells({ nodeId }: { readonly nodeId: string }) {
  const open = useSessions('shells', { nodeId, open: true });
  const rows = open.data?.pages.flatMap((page) => page.sessions) ?? [];
  if (rows.length === 0) return null;
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{t.openNow}</h2>
      {rows.map((session) => (
        <div key={session.id} className="hb-row">
          <span className="hb-mono">{visibleLine(session.user, 40)}</span>
          <span className="hb-quiet hb-foreign">{visibleLine(session.openedBy, 64)}</span>
          <RelativeTime at={session.requestedAt} />
          <Link to={paths.shell(nodeId, session.id)}>{t.attach}</Link>
        </div>
      ))}
    </section>
  );
}

export default function ShellPage() {
  const id = usePathParam('id');
  const [search] = useSearchState();
  const node = useNode(id);
  const sessionId = search['session'];
  const host = visibleLine(node.data?.hostName ?? '', 100);
  if (sessionId !== undefined) {
    return (
      <Suspense fallback={<Loading />}>
        <LiveShell key={sessionId} nodeId={id} host={host} sessionId={sessionId} />
      </Suspense>
    );
  }
  return (
    <Page title={t.title(host)} isNarrow>
      <QueryView query={node}>{(detail) => <OpenShell node={detail} />}</QueryView>
      <OpenShells nodeId={id} />
    </Page>
  );
}
