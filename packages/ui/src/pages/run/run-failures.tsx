import type { FailureGroup, RunDetail } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { IconTerminal2 } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMe } from '../../api/hooks.ts';
import { useRunFailures } from '../../api/run-hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice } from '../../parts/notices.tsx';
import { TargetStateMark } from '../../parts/state-marks.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.run;

function CauseNodes({ group }: { readonly group: FailureGroup }) {
  return (
    <div className="hb-cause-nodes hb-small">
      {group.nodes.map(({ nodeId, hostName }) => {
        const host = visibleLine(hostName, 100);
        return (
          <span key={nodeId} className="hb-row">
            <Link to={paths.node(nodeId)} className="hb-foreign">
              {host}
            </Link>
            <Link to={paths.shell(nodeId)} aria-label={t.shell(host)} title={t.shell(host)}>
              <IconTerminal2 size={15} aria-hidden />
            </Link>
          </span>
        );
      })}
      {group.count > group.nodes.length ? (
        <span className="hb-quiet">{texts.words.truncated(group.count - group.nodes.length)}</span>
      ) : null}
    </div>
  );
}

/** What did not end well, by cause: one press tries the nodes of a cause again, another opens a shell there. */
export function RunFailures({ run }: { readonly run: RunDetail }) {
  const { api } = useServices();
  const navigate = useNavigate();
  const me = useMe();
  const failures = useRunFailures(run, run.nodeCount > 1);
  const retry = useMutation({
    mutationFn: (cause: string) => api.retryRun(run.id, { cause }),
    onSuccess: ({ id }) => void navigate({ to: paths.run(id) }),
  });
  const groups = failures.data ?? [];
  if (groups.length === 0) return null;
  const mayRetry = run.finishedAt !== null && me.data?.may.operate === true;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.failures}>
      <h2 className="hb-section-title">{t.failures}</h2>
      {retry.error === null ? null : <ErrorNotice error={retry.error} />}
      <ul className="hb-causes">
        {groups.map((group) => (
          <li key={group.cause} className="hb-cause">
            <div className="hb-row hb-spread">
              <span className="hb-row">
                <TargetStateMark state={group.state} isBoxed />
                <strong>{t.failuresOn(group.count)}</strong>
                <span className="hb-foreign">{visibleLine(group.says, 500)}</span>
                {group.code === null ? null : <span className="hb-mono hb-small">{visibleLine(group.code, 64)}</span>}
              </span>
              {mayRetry ? (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={retry.isPending && retry.variables === group.cause}
                  onClick={() => retry.mutate(group.cause)}
                >
                  {t.retryThese}
                </Button>
              ) : null}
            </div>
            {group.example === group.says ? null : (
              <p className="hb-quiet hb-small hb-foreign">
                {t.example} {visibleLine(group.example, 500)}
              </p>
            )}
            <CauseNodes group={group} />
          </li>
        ))}
      </ul>
    </section>
  );
}
