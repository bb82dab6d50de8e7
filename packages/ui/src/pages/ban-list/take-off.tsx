import type { BanListRow } from '@hauban/shared/api';
import { useServices } from '../../api/services.ts';
import { keys } from '../../api/hooks.ts';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.banList;

/** Takes one entry off a list; it is lifted on the nodes of its pools. */
export function TakeOff({
  list,
  target,
  onClose,
}: {
  readonly list: BanListRow;
  readonly target: string;
  readonly onClose: () => void;
}) {
  const { api } = useServices();
  return (
    <DeleteDialog
      title={t.takeOneTitle(target, list.name)}
      verb={t.take}
      remove={() => api.takeOffBanList(list.id, { targets: [target] })}
      list={keys.banLists}
      follows={keys.pools}
      onClose={onClose}
    >
      <p>{t.takeOneText}</p>
    </DeleteDialog>
  );
}
