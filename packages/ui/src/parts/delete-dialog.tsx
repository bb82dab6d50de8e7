import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';

export interface DeleteDialogProps {
  readonly title: string;
  /** Left out: to delete. */
  readonly verb?: string;
  readonly children: ReactNode;
  readonly remove: () => Promise<unknown>;
  /** Key of the query whose list had it: read again afterwards. */
  readonly list: readonly string[];
  /** Key of what follows from it, read again as well. */
  readonly follows?: readonly string[];
  readonly onClose: () => void;
}

/** Asks before one thing of a list is deleted for good, and deletes it. */
export function DeleteDialog({
  title,
  verb = texts.words.delete,
  children,
  remove,
  list,
  follows,
  onClose,
}: DeleteDialogProps) {
  const client = useQueryClient();
  const deleting = useMutation({
    mutationFn: remove,
    onSuccess: async () => {
      if (follows !== undefined) await client.invalidateQueries({ queryKey: follows });
      await client.invalidateQueries({ queryKey: list });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      isOpen
      title={title}
      verb={verb}
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
