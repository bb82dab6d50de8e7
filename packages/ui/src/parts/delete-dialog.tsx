import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';

export interface DeleteDialogProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly remove: () => Promise<unknown>;
  /** Key of the query whose list had it: read again afterwards. */
  readonly list: readonly string[];
  readonly onClose: () => void;
}

/** Asks before one thing of a list is deleted for good, and deletes it. */
export function DeleteDialog({ title, children, remove, list, onClose }: DeleteDialogProps) {
  const client = useQueryClient();
  const deleting = useMutation({
    mutationFn: remove,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: list });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      isOpen
      title={title}
      verb={texts.words.delete}
      isDanger
      isBusy={deleting.isPending}
      error={deleting.error}
      onConfirm={() => deleting.mutate()}
      onClose={onClose}
    >
      {children}
    </ConfirmDialog>
  );
}
