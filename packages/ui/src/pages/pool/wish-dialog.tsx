import { whyNoItem } from '@hauban/shared/actions';
import type { ActionRow, PoolDetail } from '@hauban/shared/api';
import { Button, Modal, NativeSelect } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMemo, useState, type FormEvent } from 'react';
import { useActions } from '../../api/hooks.ts';
import { usePoolChange } from '../../api/pool-hooks.ts';
import { useServices } from '../../api/services.ts';
import { parseForm } from '../../forms/form-args.ts';
import { fieldsOf, initialValues } from '../../forms/schema-fields.ts';
import { SchemaForm } from '../../forms/schema-form.tsx';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
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
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setIsChecked(true);
    if (parsed.ok) wish.mutate(parsed.args);
    const form = event.currentTarget;
    requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  return (
    <form className="hb-stack" noValidate onSubmit={submit}>
      <p className="hb-quiet">{action.title}</p>
      <SchemaForm
        fields={fields}
        values={values}
        problems={isChecked && !parsed.ok ? parsed.problems : {}}
        onChange={setValues}
      />
      {wish.error === null ? null : <ErrorNotice error={wish.error} />}
      <div className="hb-row">
        <Button type="submit" loading={wish.isPending}>
          {t.wish}
        </Button>
        <Button variant="default" onClick={onClose}>
          {texts.words.cancel}
        </Button>
      </div>
    </form>
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
