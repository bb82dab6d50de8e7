import { whyNoItem } from '@hauban/shared/actions';
import type { ActionRow, PoolDetail } from '@hauban/shared/api';
import { Modal, NativeSelect } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMemo, useState } from 'react';
import { useActions } from '../../api/hooks.ts';
import { usePoolChange } from '../../api/pool-hooks.ts';
import { useServices } from '../../api/services.ts';
import { parseForm } from '../../forms/form-args.ts';
import { fieldsOf, initialValues } from '../../forms/schema-fields.ts';
import { SchemaForm } from '../../forms/schema-form.tsx';
import { DialogForm } from '../../parts/form-dialog.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.pool;

/** What one node alone knows is no wish of a pool. */
const isWishable = (action: ActionRow): boolean =>
  !action.name.startsWith('custom.') && whyNoItem(action, action.name) === null;

interface WishDialogProps {
  readonly pool: PoolDetail;
  readonly onClose: () => void;
}

function WishForm({ pool, action, onClose }: WishDialogProps & { readonly action: ActionRow }) {
  const { api } = useServices();
  const fields = useMemo(() => fieldsOf(action.args, action.filledIn), [action]);
  const [values, setValues] = useState(() => initialValues(fields, action.args));
  const [isChecked, setIsChecked] = useState(false);
  const parsed = parseForm(fields, values);
  const wish = usePoolChange(
    pool.id,
    (args: Record<string, unknown>) => api.wish(pool.id, { action: action.name, args }),
    () => {
      notifications.show({ message: t.wishSaved });
      onClose();
    },
  );
  const submit = (): void => {
    setIsChecked(true);
    if (parsed.ok) wish.mutate(parsed.args);
  };
  return (
    <DialogForm verb={t.wish} isBusy={wish.isPending} error={wish.error} onSubmit={submit} onClose={onClose}>
      <p className="hb-quiet">{action.title}</p>
      <SchemaForm
        fields={fields}
        values={values}
        problems={isChecked && !parsed.ok ? parsed.problems : {}}
        onChange={setValues}
      />
    </DialogForm>
  );
}

/** Wishes something of a pool; nothing is done by it. */
export function WishDialog({ pool, onClose }: WishDialogProps) {
  const actions = useActions();
  const [name, setName] = useState('');
  return (
    <Modal
      opened
      size="lg"
      onClose={onClose}
      title={t.wishTitle}
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <div className="hb-stack">
        <p>{t.wishText}</p>
        <QueryView query={actions} what={texts.actions.title}>
          {(all) => {
            const able = all.filter(isWishable);
            const action = able.find((each) => each.name === name);
            return (
              <>
                <NativeSelect
                  data-autofocus
                  label={t.wishAction}
                  value={name}
                  onChange={(event) => setName(event.currentTarget.value)}
                  data={[{ value: '', label: texts.form.choose }, ...able.map((each) => each.name)]}
                />
                {action === undefined ? null : (
                  <WishForm key={action.name} pool={pool} action={action} onClose={onClose} />
                )}
              </>
            );
          }}
        </QueryView>
      </div>
    </Modal>
  );
}
