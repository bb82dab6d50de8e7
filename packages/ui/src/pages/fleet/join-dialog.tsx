import type { JoinTokenCreated, NodeRow } from '@hauban/shared/api';
import { Button, Modal } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Mark } from '../../parts/mark.tsx';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
import { RoleChips } from '../../parts/role-chips.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { JoinForm } from './join-form.tsx';
import { EMPTY_JOIN, parseJoin, type JoinFormValues } from './join-values.ts';

const t = texts.join;

/** Nodes that enrolled since this dialog showed its command. */
function useNewNodes(sinceMs: number): readonly NodeRow[] {
  const { live } = useServices();
  const [joined, setJoined] = useState<readonly NodeRow[]>([]);
  useEffect(
    () =>
      live.watchFleet((event) => {
        if (event.t !== 'node' || event.node.enrolledAt < sinceMs) return;
        const { node } = event;
        setJoined((old) => [...old.filter((each) => each.id !== node.id), node]);
      }),
    [live, sinceMs],
  );
  return joined;
}

function Command({
  made,
  madeAtMs,
  onAgain,
}: {
  readonly made: JoinTokenCreated;
  readonly madeAtMs: number;
  readonly onAgain: () => void;
}) {
  const joined = useNewNodes(madeAtMs);
  return (
    <div className="hb-stack">
      <strong id="join-command">{t.command}</strong>
      <pre className="hb-block" aria-labelledby="join-command">
        {made.command}
      </pre>
      <div className="hb-row hb-spread">
        <CopyButton text={made.command} />
        <span className="hb-quiet">
          {t.once} {t.ends} <RelativeTime at={made.expiresAt} />
        </span>
      </div>
      <div className="hb-stack" role="status">
        {joined.length === 0 ? <Mark tone="busy" word={t.waiting} /> : null}
        {joined.map((node) => (
          <div key={node.id} className="hb-row">
            <Mark tone="ok" word={t.joined(visibleLine(node.hostName, 100))} />
            <Link to={paths.node(node.id)}>{t.openNode}</Link>
          </div>
        ))}
      </div>
      <div>
        <Button variant="default" onClick={onAgain}>
          {t.another}
        </Button>
      </div>
    </div>
  );
}

function GoodTokens() {
  const { api } = useServices();
  const client = useQueryClient();
  const tokens = useQuery({ queryKey: keys.joinTokens, queryFn: () => api.joinTokens() });
  const revoke = useMutation({
    mutationFn: (id: string) => api.deleteJoinToken(id),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.joinTokens }),
  });
  return (
    <section className="hb-stack">
      <h3 className="hb-section-title">{t.tokens}</h3>
      {revoke.error === null ? null : <ErrorNotice error={revoke.error} />}
      <QueryView query={tokens}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="hb-quiet">{t.noTokens}</p>
          ) : (
            rows.map((row) => (
              <div key={row.id} className="hb-row hb-spread">
                <span className="hb-row hb-grow">
                  <span>{t.usesLeft(row.usesLeft)}</span>
                  <span>
                    {t.ends} <RelativeTime at={row.expiresAt} />
                  </span>
                  {row.hostName === null ? null : <span className="hb-foreign">{visibleLine(row.hostName)}</span>}
                  <RoleChips roles={row.roles} labels={row.labels} />
                  <span className="hb-quiet">{t.by(visibleLine(row.createdBy))}</span>
                </span>
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={revoke.isPending && revoke.variables === row.id}
                  onClick={() => revoke.mutate(row.id)}
                >
                  {t.revoke}
                </Button>
              </div>
            ))
          )
        }
      </QueryView>
    </section>
  );
}

function JoinBody() {
  const { api } = useServices();
  const client = useQueryClient();
  const [values, setValues] = useState<JoinFormValues>(EMPTY_JOIN);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [madeAtMs, setMadeAtMs] = useState(0);
  const make = useMutation({
    mutationFn: api.makeJoinToken,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.joinTokens }),
  });
  const submit = (): void => {
    const parsed = parseJoin(values);
    setProblems(parsed.ok ? {} : parsed.problems);
    if (!parsed.ok) return;
    setMadeAtMs(Date.now());
    make.mutate(parsed.request);
  };
  if (make.data !== undefined) return <Command made={make.data} madeAtMs={madeAtMs} onAgain={() => make.reset()} />;
  return (
    <div className="hb-stack">
      <p className="hb-quiet">{t.intro}</p>
      <JoinForm values={values} problems={problems} onChange={setValues} onSubmit={submit} isBusy={make.isPending} />
      {make.error === null ? null : <ErrorNotice error={make.error} />}
      <GoodTokens />
    </div>
  );
}

/** Makes a join token and shows the command to type on the node; tells when the node has joined. */
export function JoinDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t.title}
      size="lg"
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <JoinBody />
    </Modal>
  );
}
