import type { NodeDetail } from '@hauban/shared/api';
import { TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, refreshNodes } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.node;

/** Cuts a node off until it is enrolled again, after its name and a reason were typed. Only an owner is offered this. */
export function RevokeNode({ node, onClose }: { readonly node: NodeDetail; readonly onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const host = visibleLine(node.hostName, 100);
  const revoke = useMutation({
    mutationFn: () => api.revokeNode(node.id, reason.trim()),
    onSuccess: async () => {
      notifications.show({ message: t.revoked(host) });
      await client.invalidateQueries({ queryKey: keys.node(node.id), exact: true });
      onClose();
      await refreshNodes(client);
    },
  });
  return (
    <ConfirmDialog
      isOpen
      title={t.revokeTitle(host)}
      verb={t.revoke}
      isDanger
      isBusy={revoke.isPending}
      isReady={reason.trim() !== '' && typed.trim() === host}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>{t.revokeText}</p>
      <TextInput
        label={t.revokeReason}
        value={reason}
        maxLength={500}
        autoComplete="off"
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <TextInput
        label={t.revokeType(host)}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}
