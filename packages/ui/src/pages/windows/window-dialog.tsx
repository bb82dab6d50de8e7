import { NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { readerZone } from '../../format/time.ts';
import { CronFields, DAILY } from '../../parts/cron-fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { SelectorInput } from '../../parts/selector-input.tsx';
import { texts } from '../../texts/index.ts';
import { parseWindow, type WindowProblems, type WindowValues } from './window-values.ts';

const t = texts.windowForm;
const words = texts.windows;
const ASKED = 'node.ping';

interface FieldProps {
  readonly values: WindowValues;
  readonly problems: WindowProblems;
  readonly onChange: (change: Partial<WindowValues>) => void;
}

function TimeFields({ values, problems, onChange }: FieldProps) {
  if (values.way === 'again')
    return (
      <>
        <CronFields cron={values.cron} zone={values.zone} onChange={onChange} />
        <TextInput
          label={t.hours}
          inputMode="decimal"
          value={values.hours}
          error={problems.hours ?? null}
          onChange={(event) => onChange({ hours: event.currentTarget.value })}
        />
      </>
    );
  return (
    <>
      {(['from', 'until'] as const).map((key) => (
        <TextInput
          key={key}
          type="datetime-local"
          label={key === 'from' ? t.from : t.until}
          value={values[key]}
          error={problems[key] ?? null}
          onChange={(event) => onChange({ [key]: event.currentTarget.value })}
        />
      ))}
    </>
  );
}

function WindowFields(props: FieldProps) {
  const { values, problems, onChange } = props;
  return (
    <>
      <TextInput
        data-autofocus
        label={words.name}
        description={t.nameHint}
        value={values.name}
        error={problems.name ?? null}
        maxLength={40}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <NativeSelect
        label={words.kind}
        description={words.kindHints[values.kind]}
        value={values.kind}
        onChange={(event) => onChange({ kind: event.currentTarget.value === 'freeze' ? 'freeze' : 'only-inside' })}
        data={[
          { value: 'only-inside', label: words.kinds['only-inside'] },
          { value: 'freeze', label: words.kinds.freeze },
        ]}
      />
      <SelectorInput
        label={t.selector}
        hint={t.selectorHint}
        value={values.on}
        problem={problems.on ?? null}
        action={ASKED}
        means={({ total }) => words.means(total)}
        onChange={(on) => onChange({ on })}
      />
      <SegmentedControl
        aria-label={t.how}
        data={[
          { value: 'again', label: t.again },
          { value: 'once', label: t.once },
        ]}
        value={values.way}
        onChange={(way) => onChange({ way: way === 'once' ? 'once' : 'again' })}
      />
      <TimeFields {...props} />
    </>
  );
}

/** Makes a maintenance window. */
export function WindowDialog({ onClose }: { readonly onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [values, setValues] = useState<WindowValues>(() => ({
    ...{ name: '', kind: 'only-inside', on: '', way: 'again', cron: DAILY, zone: readerZone(), hours: '2' },
    ...{ from: '', until: '' },
  }));
  const [isChecked, setIsChecked] = useState(false);
  const parsed = parseWindow(values);
  const make = useMutation({
    mutationFn: async () => (parsed.ok ? api.makeWindow(parsed.request) : null),
    onSuccess: async () => {
      notifications.show({ message: words.made(values.name.trim()) });
      await client.invalidateQueries({ queryKey: keys.windows });
      onClose();
    },
  });
  const submit = (): void => {
    setIsChecked(true);
    if (parsed.ok) make.mutate();
  };
  return (
    <FormDialog
      title={words.makeTitle}
      verb={words.make}
      isBusy={make.isPending}
      error={make.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <WindowFields
        values={values}
        problems={isChecked && !parsed.ok ? parsed.problems : {}}
        onChange={(change) => setValues((old) => ({ ...old, ...change }))}
      />
    </FormDialog>
  );
}
