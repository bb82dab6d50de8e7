import type { NodeDetail } from '@hauban/shared/api';
import { TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { refreshNodes } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.node;

/** Removes a node for good, after its host name was typed. Only an owner is offered this. */
export function RemoveNode({ node, onClose }: { readonly node: NodeDetail; readonly onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const host = visibleLine(node.hostName, 100);
  const remove = useMutation({
    mutationFn: () => api.removeNode(node.id),
    onSuccess: async () => {
      notifications.show({ message: t.removed(host) });
      await navigate({ to: paths.fleet });
      await refreshNodes(client);
    },
  });
  return (
    <ConfirmDialog
      isOpen
      title={t.removeTitle(host)}
      verb={texts.words.delete}
      isDanger
      isBusy={remove.isPending}
      isReady={typed.trim() === host}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{t.removeText}</p>
      <TextInput
        label={t.removeType(host)}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}
