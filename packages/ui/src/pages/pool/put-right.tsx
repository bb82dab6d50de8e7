import type { DriftRow, PoolDetail, PoolMember, PoolWorkRequest } from '@hauban/shared/api';
import { TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState, type ReactNode } from 'react';
import { usePoolChange, usePoolWork } from '../../api/pool-hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { texts } from '../../texts/index.ts';
import { DriftChanges } from './drift-line.tsx';

const t = texts.pool;
/** As `PoolWorkRequest` of the contract. */
const REASON_MAX = 500;

interface DialogProps {
  readonly pool: PoolDetail;
  readonly onClose: () => void;
}

/** Asks, with a reason for the audit log, and begins. */
function WorkDialog({
  pool,
  title,
  verb,
  request,
  children,
  onClose,
}: DialogProps & {
  readonly title: string;
  readonly verb: string;
  readonly request: PoolWorkRequest;
  readonly children: ReactNode;
}) {
  const [reason, setReason] = useState('');
  const begin = usePoolWork(pool.id, () => {
    notifications.show({ message: t.begun });
    onClose();
  });
  const why = reason.trim();
  return (
    <ConfirmDialog
      isOpen
      title={title}
      verb={verb}
      isBusy={begin.isPending}
      error={begin.error}
      onConfirm={() => begin.mutate({ ...request, ...(why === '' ? {} : { reason: why }) })}
      onClose={onClose}
    >
      {children}
      <TextInput
        label={`${texts.words.reason} (${texts.words.optional})`}
        maxLength={REASON_MAX}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

/** One difference of one node. */
export function PutRight({ row, ...props }: DialogProps & { readonly row: DriftRow }) {
  return (
    <WorkDialog
      {...props}
      title={t.putRightTitle(visibleLine(row.hostName, 100))}
      verb={t.putRight}
      request={{ kind: 'repair', only: [row.nodeId], items: [row.itemId] }}
    >
      <p>{t.putRightText}</p>
      <DriftChanges row={row} />
    </WorkDialog>
  );
}

/** Everything that differs, on all nodes that differ. */
export function PutAllRight(props: DialogProps) {
  const nodes = props.pool.members.filter(({ differs }) => differs > 0);
  const count = nodes.reduce((sum, { differs }) => sum + differs, 0);
  return (
    <WorkDialog
      {...props}
      title={t.putAllTitle(nodes.length)}
      verb={t.putRight}
      request={{ kind: 'repair', only: nodes.map(({ nodeId }) => nodeId) }}
    >
      <p>{t.putAllText(count)}</p>
    </WorkDialog>
  );
}

/** The whole wished state to one node. */
export function BringAll({ member, ...props }: DialogProps & { readonly member: PoolMember }) {
  return (
    <WorkDialog
      {...props}
      title={t.joinTitle(visibleLine(member.hostName, 100))}
      verb={t.join}
      request={{ kind: 'join', only: [member.nodeId] }}
    >
      <p>{t.joinText(props.pool.items.length)}</p>
    </WorkDialog>
  );
}

/** Says that a difference is meant to be. */
export function Adopt({ pool, row, onClose }: DialogProps & { readonly row: DriftRow }) {
  const { api } = useServices();
  const host = visibleLine(row.hostName, 100);
  const { nodeId, itemId, hash } = row;
  const adopt = usePoolChange(
    pool.id,
    () => api.adoptDrift(pool.id, { nodeId, itemId, hash }),
    () => {
      notifications.show({ message: t.adoptDone(host) });
      onClose();
    },
  );
  return (
    <ConfirmDialog
      isOpen
      title={t.adoptTitle(host)}
      verb={t.adopt}
      isBusy={adopt.isPending}
      error={adopt.error}
      onConfirm={() => adopt.mutate(undefined)}
      onClose={onClose}
    >
      <p>{t.adoptText}</p>
      <DriftChanges row={row} />
    </ConfirmDialog>
  );
}
