import type { NodeDetail } from '@hauban/shared/api';
import { Button, Modal, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, refreshNodes, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { labelLines, parseLabels } from '../../parts/label-lines.ts';
import { ErrorNotice } from '../../parts/notices.tsx';
import { RolePicker } from '../../parts/role-picker.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.node;

export interface LabelsDialogProps {
  readonly node: NodeDetail;
  readonly onClose: () => void;
  readonly onRemove: () => void;
}

/** Roles and labels of a node; for an owner, the way to remove it. */
export function LabelsDialog({ node, onClose, onRemove }: LabelsDialogProps) {
  const isOwner = useMe().data?.may.own === true;
  const { api } = useServices();
  const client = useQueryClient();
  const [roles, setRoles] = useState(node.roles);
  const [typed, setTyped] = useState(labelLines(node.labels));
  const [problem, setProblem] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: (labels: Readonly<Record<string, string>>) => api.patchNode(node.id, { roles: [...roles], labels }),
    onSuccess: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: keys.node(node.id), exact: true }),
        refreshNodes(client),
      ]);
      notifications.show({ message: t.labelsSaved });
      onClose();
    },
  });
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    const parsed = parseLabels(typed);
    setProblem(parsed.ok ? null : parsed.problem);
    if (parsed.ok) save.mutate(parsed.labels);
  };
  return (
    <Modal opened onClose={onClose} title={t.labelsTitle} closeButtonProps={{ 'aria-label': texts.words.close }}>
      <form className="hb-stack" onSubmit={submit} noValidate>
        <p className="hb-quiet">{t.labelsText}</p>
        <RolePicker value={roles} onChange={(chosen) => setRoles([...chosen])} />
        <Textarea
          label={texts.join.labels}
          description={texts.join.labelsHint}
          autosize
          minRows={3}
          spellCheck={false}
          value={typed}
          error={problem}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {save.error === null ? null : <ErrorNotice error={save.error} />}
        <div className="hb-row">
          <Button type="submit" loading={save.isPending}>
            {texts.words.save}
          </Button>
          <Button variant="default" onClick={onClose}>
            {texts.words.cancel}
          </Button>
          {isOwner ? (
            <Button variant="subtle" color="red" className="hb-push" onClick={onRemove}>
              {t.remove}
            </Button>
          ) : null}
        </div>
      </form>
    </Modal>
  );
}
