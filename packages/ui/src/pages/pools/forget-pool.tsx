import type { PoolRow } from '@hauban/shared/api';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.pools;

/** Forgets a pool; its nodes stay as they are. */
export function ForgetPool({ pool, onClose }: { readonly pool: PoolRow; readonly onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const forget = useMutation({
    mutationFn: () => api.forgetPool(pool.id),
    onSuccess: async () => {
      notifications.show({ message: t.forgotten(pool.name) });
      onClose();
      await client.invalidateQueries({ queryKey: keys.pools, exact: true });
    },
  });
  return (
    <ConfirmDialog
      isOpen
      isDanger
      title={t.forgetTitle(pool.name)}
      verb={t.forget}
      isBusy={forget.isPending}
      error={forget.error}
      onConfirm={() => forget.mutate()}
      onClose={onClose}
    >
      <p>{t.forgetText}</p>
    </ConfirmDialog>
  );
}
