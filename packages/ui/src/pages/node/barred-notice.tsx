import type { NodeDetail } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { TwoCopies } from './two-copies.tsx';

const t = texts.node;

/** The one way back: a command for the real machine, made by an owner. */
function ReEnrol({ node, isOwner }: { readonly node: NodeDetail; readonly isOwner: boolean }) {
  const { api } = useServices();
  const make = useMutation({ mutationFn: () => api.reenrolNode(node.id) });
  if (!isOwner) return <p>{t.barredAsk}</p>;
  if (make.data === undefined) {
    return (
      <>
        {make.error === null ? null : <ErrorNotice error={make.error} />}
        <div>
          <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
            {node.state === 'locked' ? t.reenrolReal : t.reenrol}
          </Button>
        </div>
      </>
    );
  }
  return (
    <>
      <strong id="re-enrol-command">{t.reenrolCommand}</strong>
      <pre className="hb-block" aria-labelledby="re-enrol-command">
        {make.data.command}
      </pre>
      <div className="hb-row">
        <CopyButton text={make.data.command} />
        <span className="hb-quiet">
          {t.commandEnds} <RelativeTime at={make.data.expiresAt} />
        </span>
      </div>
    </>
  );
}

/** Says why a node is kept out, and gives an owner the command that lets the real machine in again. */
export function BarredNotice({ node, isOwner }: { readonly node: NodeDetail; readonly isOwner: boolean }) {
  if (node.bar === null) return null;
  const isLocked = node.state === 'locked';
  return (
    <Notice tone="bad">
      <div className="hb-stack">
        <p>
          <strong>{isLocked ? t.lockedNotice : t.revokedNotice}</strong>
        </p>
        {isLocked ? (
          <TwoCopies nodeId={node.id} />
        ) : (
          <p>
            <RelativeTime at={node.bar.at} /> {t.barredBy(visibleLine(node.bar.by, 64))}{' '}
            <span className="hb-foreign">{visibleLine(node.bar.reason, 500)}</span>
          </p>
        )}
        <ReEnrol node={node} isOwner={isOwner} />
      </div>
    </Notice>
  );
}
