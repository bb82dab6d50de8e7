import { counterItem } from '@hauban/shared/actions';
import type { PoolDetail, PoolItemRow } from '@hauban/shared/api';
import { NativeSelect } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { UnwishHow } from '../../api/pool-calls.ts';
import { usePoolChange } from '../../api/pool-hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.pool;

/** Wishes something no more; asks whether the nodes stay as they are. */
export function Unwish({
  pool,
  item,
  onClose,
}: {
  readonly pool: PoolDetail;
  readonly item: PoolItemRow;
  readonly onClose: () => void;
}) {
  const { api } = useServices();
  const navigate = useNavigate();
  const [how, setHow] = useState<UnwishHow>('forget');
  const canCounter = counterItem({ action: item.action, args: item.args }) !== null;
  const unwish = usePoolChange(
    pool.id,
    () => api.unwish(pool.id, item.id, how),
    ({ runId }) => {
      notifications.show({ message: t.unwishDone });
      onClose();
      if (runId !== null) void navigate({ to: paths.run(runId) });
    },
  );
  return (
    <ConfirmDialog
      isOpen
      isDanger={how === 'counter'}
      title={t.unwishTitle}
      verb={t.unwish}
      isBusy={unwish.isPending}
      error={unwish.error}
      onConfirm={() => unwish.mutate(undefined)}
      onClose={onClose}
    >
      <p className="hb-foreign">{visibleLine(item.key, 200)}</p>
      <NativeSelect
        label={t.unwishHow}
        value={how}
        onChange={(event) => setHow(event.currentTarget.value === 'counter' ? 'counter' : 'forget')}
        data={[
          { value: 'forget', label: t.unwishHows.forget },
          ...(canCounter ? [{ value: 'counter', label: t.unwishHows.counter }] : []),
        ]}
      />
    </ConfirmDialog>
  );
}
