import { Button, Modal, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { parseSelector } from '@hauban/shared/api';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/hooks.ts';
import { useTargets } from '../../api/run-hooks.ts';
import { useServices } from '../../api/services.ts';
import { readerZone } from '../../format/time.ts';
import { CronFields, DAILY } from '../../parts/cron-fields.tsx';
import { ErrorNotice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';
import { parseWindow, type WindowProblems, type WindowValues } from './window-values.ts';

const t = texts.windowForm;
const words = texts.windows;
const TYPING_MS = 200;
const ASKED = 'node.ping';

interface FieldProps {
  readonly values: WindowValues;
  readonly problems: WindowProblems;
  readonly onChange: (change: Partial<WindowValues>) => void;
}

function SelectorField({ values, problems, onChange }: FieldProps) {
  const [settled] = useDebouncedValue(values.on.trim(), TYPING_MS);
  const isGood = settled !== '' && parseSelector(settled).ok;
  const targets = useTargets(isGood ? settled : '', ASKED);
  return (
    <div>
      <TextInput
        label={t.selector}
        description={t.selectorHint}
        value={values.on}
        error={problems.on ?? null}
        maxLength={2000}
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: 'hb-mono' }}
        onChange={(event) => onChange({ on: event.currentTarget.value })}
      />
      {!isGood || targets.data === undefined ? null : (
        <p className="hb-quiet hb-small" role="status">
          {words.means(targets.data.total)}
        </p>
      )}
    </div>
  );
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
      <SelectorField {...props} />
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
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setIsChecked(true);
    if (parsed.ok) make.mutate();
    const form = event.currentTarget;
    requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  return (
    <Modal
      opened
      size="lg"
      onClose={onClose}
      title={words.makeTitle}
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <form className="hb-stack" noValidate onSubmit={submit}>
        <WindowFields
          values={values}
          problems={isChecked && !parsed.ok ? parsed.problems : {}}
          onChange={(change) => setValues((old) => ({ ...old, ...change }))}
        />
        {make.error === null ? null : <ErrorNotice error={make.error} />}
        <div className="hb-row">
          <Button type="submit" loading={make.isPending}>
            {words.make}
          </Button>
          <Button variant="default" onClick={onClose}>
            {texts.words.cancel}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
