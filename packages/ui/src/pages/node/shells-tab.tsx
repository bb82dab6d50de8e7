import type { NodeDetail } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useSessions } from '../../api/hooks.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { SessionTable } from '../../parts/session-table.tsx';
import { MoreRows } from '../../parts/table.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

/** Shells of this node, open and ended, with their recordings. */
export function ShellsTab({ node }: { readonly node: NodeDetail }) {
  const sessions = useSessions('recordings', { nodeId: node.id });
  return (
    <div className="hb-card">
      <QueryView query={sessions}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.sessions);
          if (rows.length === 0) {
            const open = (
              <Button component={Link} to={paths.shell(node.id)}>
                {texts.node.shell}
              </Button>
            );
            return <EmptyState title={texts.sessions.none} action={open} />;
          }
          return (
            <>
              <SessionTable sessions={rows} isHostShown={false} />
              <MoreRows pages={sessions} />
            </>
          );
        }}
      </QueryView>
    </div>
  );
}
