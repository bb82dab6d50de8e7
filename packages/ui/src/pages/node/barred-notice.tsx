import type { NodeDetail } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.node;

/** Says why a node is kept out, and gives an owner the command that lets the real machine in again. */
export function BarredNotice({ node, isOwner }: { readonly node: NodeDetail; readonly isOwner: boolean }) {
  const { api } = useServices();
  const make = useMutation({ mutationFn: () => api.reenrolNode(node.id) });
  if (node.bar === null) return null;
  return (
    <Notice tone="bad">
      <div className="hb-stack">
        <p>
          {node.state === 'locked' ? t.lockedNotice : t.revokedNotice} <RelativeTime at={node.bar.at} />:{' '}
          <span className="hb-foreign">{visibleLine(node.bar.reason, 500)}</span>
        </p>
        {make.error === null ? null : <ErrorNotice error={make.error} />}
        {make.data === undefined ? null : (
          <>
            <strong id="re-enrol-command">{t.reenrolCommand}</strong>
            <pre className="hb-block" aria-labelledby="re-enrol-command">
              {make.data.command}
            </pre>
            <CopyButton text={make.data.command} />
          </>
        )}
        {isOwner && make.data === undefined ? (
          <div>
            <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
              {t.reenrol}
            </Button>
          </div>
        ) : null}
      </div>
    </Notice>
  );
}
