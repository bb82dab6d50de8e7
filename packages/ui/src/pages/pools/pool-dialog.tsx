import type { PoolRow } from '@hauban/shared/api';
import { MultiSelect, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, useNodePage } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { SelectorInput } from '../../parts/selector-input.tsx';
import { texts } from '../../texts/index.ts';
import { parsePool, poolValues, type PoolProblems, type PoolValues } from './pool-values.ts';

const t = texts.poolForm;
const WAYS = [
  { value: 'selector', label: t.bySelector },
  { value: 'name', label: t.byName },
];
/** As many as a pool can have. */
const MOST_NODES = 1000;
/** What the nodes are asked for; who may not do that is told before a pool is made. */
const ASKED = 'state.compare';

interface FieldProps {
  readonly values: PoolValues;
  readonly problems: PoolProblems;
  readonly onChange: (change: Partial<PoolValues>) => void;
}

function NodesField({ values, problems, onChange }: FieldProps) {
  const page = useNodePage({ limit: MOST_NODES });
  const known = page.data?.nodes ?? [];
  const gone = values.nodes.filter((id) => !known.some((node) => node.id === id));
  return (
    <MultiSelect
      label={t.nodes}
      data={[
        ...known.map((node) => ({ value: node.id, label: visibleLine(node.hostName, 100) })),
        ...gone.map((id) => ({ value: id, label: id })),
      ]}
      value={[...values.nodes]}
      onChange={(nodes) => onChange({ nodes })}
      searchable
      clearable
      limit={50}
      hidePickedOptions
      nothingFoundMessage={texts.runAction.nodesNoMatch}
      error={problems.nodes ?? null}
    />
  );
}

function RepairFields({ values, problems, onChange }: FieldProps) {
  return (
    <>
      <NativeSelect
        label={texts.pools.repair}
        description={t.repairHints[values.repair]}
        value={values.repair}
        onChange={(event) => onChange({ repair: event.currentTarget.value === 'auto' ? 'auto' : 'show' })}
        data={[
          { value: 'show', label: texts.pools.repairs.show },
          { value: 'auto', label: texts.pools.repairs.auto },
        ]}
      />
      {values.repair === 'show' ? null : (
        <TextInput
          label={t.budget}
          inputMode="numeric"
          value={values.budget}
          error={problems.budget ?? null}
          onChange={(event) => onChange({ budget: event.currentTarget.value })}
        />
      )}
      <TextInput
        label={t.minutes}
        inputMode="numeric"
        value={values.minutes}
        error={problems.minutes ?? null}
        onChange={(event) => onChange({ minutes: event.currentTarget.value })}
      />
    </>
  );
}

/** Makes a pool, or changes one. @param props.pool null: a new one */
export function PoolDialog({ pool, onClose }: { readonly pool: PoolRow | null; readonly onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [values, setValues] = useState(() => poolValues(pool));
  const [isChecked, setIsChecked] = useState(false);
  const parsed = parsePool(values);
  const problems = isChecked && !parsed.ok ? parsed.problems : {};
  const change = (changed: Partial<PoolValues>): void => setValues((old) => ({ ...old, ...changed }));
  const save = useMutation({
    mutationFn: async () => {
      if (!parsed.ok) return;
      if (pool === null) await api.makePool(parsed.request);
      else await api.changePool(pool.id, parsed.request);
    },
    onSuccess: async () => {
      const name = visibleLine(values.name.trim(), 40);
      notifications.show({ message: pool === null ? texts.pools.made(name) : texts.pools.saved(name) });
      onClose();
      await client.invalidateQueries({ queryKey: keys.pools });
    },
  });
  const submit = (): void => {
    setIsChecked(true);
    if (parsed.ok) save.mutate();
  };
  const fields = { values, problems, onChange: change };
  return (
    <FormDialog
      title={pool === null ? texts.pools.makeTitle : texts.pools.changeTitle(pool.name)}
      verb={pool === null ? texts.pools.make : texts.words.save}
      isBusy={save.isPending}
      error={save.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        label={texts.pools.name}
        description={t.nameHint}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        value={values.name}
        error={problems.name ?? null}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <SegmentedControl
        aria-label={t.how}
        data={WAYS}
        value={values.way}
        onChange={(way) => change({ way: way === 'name' ? 'name' : 'selector' })}
      />
      {values.way === 'selector' ? (
        <SelectorInput
          label={t.selector}
          hint={t.selectorHint}
          value={values.on}
          problem={problems.on ?? null}
          action={ASKED}
          means={({ total, online }) => t.means(total, online)}
          onChange={(on) => change({ on })}
        />
      ) : (
        <NodesField {...fields} />
      )}
      <RepairFields {...fields} />
    </FormDialog>
  );
}
