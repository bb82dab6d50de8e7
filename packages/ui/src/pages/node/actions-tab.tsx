import type { ActionRow, NodeDetail } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useActions, useRuns } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { RunTable } from '../../parts/run-table.tsx';
import { RiskMark } from '../../parts/state-marks.tsx';
import { Table } from '../../parts/table.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.nodeActions;
const RECENT = 10;

function ActionLine({
  name,
  action,
  node,
}: {
  readonly name: string;
  readonly action: ActionRow | undefined;
  readonly node: NodeDetail;
}) {
  const isRefused = action?.needsRoot === true && !node.isRoot;
  return (
    <tr>
      <td>
        {action === undefined ? (
          <span className="hb-foreign">{visibleLine(name, 64)}</span>
        ) : (
          <Link to={paths.runAction(name, node.id)} className="hb-row-link">
            {name}
          </Link>
        )}
      </td>
      <td data-wide>{action === undefined ? <span className="hb-quiet">{t.unknown}</span> : action.title}</td>
      <td>{action === undefined ? null : <RiskMark risk={action.risk} />}</td>
      <td data-wide>{isRefused ? <Mark tone="warn" word={t.needsRoot} /> : null}</td>
      <td data-end className="hb-number">
        {action === undefined ? null : (
          <Button component={Link} to={paths.runAction(name, node.id)} size="compact-sm" variant="default">
            {action.readOnly ? texts.actions.runRead : texts.actions.run}
          </Button>
        )}
      </td>
    </tr>
  );
}

function RecentRuns({ nodeId }: { readonly nodeId: string }) {
  const runs = useRuns({ nodeId, limit: RECENT });
  return (
    <QueryView query={runs}>
      {({ pages }) => {
        const rows = pages[0]?.runs ?? [];
        if (rows.length === 0) return null;
        return (
          <section className="hb-stack">
            <h2 className="hb-section-title">{t.recent}</h2>
            <div className="hb-card">
              <RunTable runs={rows} />
            </div>
          </section>
        );
      }}
    </QueryView>
  );
}

/** What the node knows, joined with the catalogue. */
export function ActionsTab({ node }: { readonly node: NodeDetail }) {
  const catalogue = useActions();
  const columns = [
    { key: 'name', title: texts.runs.action },
    { key: 'title', title: '' },
    { key: 'risk', title: '' },
    { key: 'note', title: '' },
    { key: 'run', title: '' },
  ];
  return (
    <div className="hb-stack">
      <p className="hb-page-lead">{t.text}</p>
      <div className="hb-card">
        <QueryView query={catalogue}>
          {(actions) =>
            node.actions.length === 0 ? (
              <EmptyState title={texts.actions.title}>{t.none}</EmptyState>
            ) : (
              <Table label={texts.actions.title} columns={columns}>
                {node.actions.map(({ name }) => (
                  <ActionLine
                    key={name}
                    name={name}
                    node={node}
                    action={actions.find((action) => action.name === name)}
                  />
                ))}
              </Table>
            )
          }
        </QueryView>
      </div>
      <RecentRuns nodeId={node.id} />
    </div>
  );
}
