import type { BanListRow } from '@hauban/shared/api';
import { MultiSelect, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { usePools } from '../../api/pool-hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Notice } from '../../parts/notices.tsx';
import { isShortName } from '../../parts/short-name.ts';
import { texts } from '../../texts/index.ts';

const t = texts.banLists;

interface PoolsFieldProps {
  readonly value: readonly string[];
  readonly isFirst?: boolean;
  readonly onChange: (pools: readonly string[]) => void;
}

function PoolsField({ value, isFirst = false, onChange }: PoolsFieldProps) {
  const pools = usePools();
  return (
    <MultiSelect
      data-autofocus={isFirst || undefined}
      label={t.pools}
      description={t.poolsHint}
      data={(pools.data ?? []).map(({ id, name }) => ({ value: id, label: visibleLine(name, 40) }))}
      value={[...value]}
      onChange={onChange}
      searchable
      clearable
      hidePickedOptions
      openOnFocus={false}
      nothingFoundMessage={t.noFurtherPool}
    />
  );
}

/** Reads the lists and what pools wish again when a change is through, and says so. */
function useListChange<In>(
  change: (value: In) => Promise<BanListRow>,
  says: (name: string) => string,
  done: () => void,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async ({ name }) => {
      notifications.show({ message: says(name) });
      done();
      await client.invalidateQueries({ queryKey: keys.banLists });
      await client.invalidateQueries({ queryKey: keys.pools });
    },
  });
}

/** Makes a list, empty. */
export function MakeDialog({ onClose }: { readonly onClose: () => void }) {
  const { api } = useServices();
  const [name, setName] = useState('');
  const [pools, setPools] = useState<readonly string[]>([]);
  const [isChecked, setIsChecked] = useState(false);
  const make = useListChange(
    (wanted: string) => api.makeBanList({ name: wanted, pools: [...pools] }),
    t.madeSaid,
    onClose,
  );
  const isGood = isShortName(name.trim());
  const submit = (): void => {
    setIsChecked(true);
    if (isGood) make.mutate(name.trim());
  };
  return (
    <FormDialog
      title={t.make}
      verb={t.make}
      isBusy={make.isPending}
      error={make.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        label={t.name}
        description={t.nameHint}
        value={name}
        error={isChecked && !isGood ? texts.scheduleForm.nameBad : null}
        maxLength={40}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PoolsField value={pools} onChange={setPools} />
    </FormDialog>
  );
}

/** Says which pools have a list. */
export function BindDialog({ list, onClose }: { readonly list: BanListRow; readonly onClose: () => void }) {
  const { api } = useServices();
  const [pools, setPools] = useState<readonly string[]>(() => list.pools.map(({ id }) => id));
  const bind = useListChange((wanted: readonly string[]) => api.bindBanList(list.id, wanted), t.boundSaid, onClose);
  const left = list.pools.filter(({ id }) => !pools.includes(id)).map(({ name }) => visibleLine(name, 40));
  return (
    <FormDialog
      title={t.bindTitle(list.name)}
      verb={texts.words.save}
      isBusy={bind.isPending}
      error={bind.error}
      onSubmit={() => bind.mutate(pools)}
      onClose={onClose}
    >
      <PoolsField isFirst value={pools} onChange={setPools} />
      {left.length === 0 ? null : <Notice tone="warn">{t.leaves(left.join(', '))}</Notice>}
    </FormDialog>
  );
}
