import { WEBHOOK_EVENTS, type WebhookEvent } from '@hauban/shared/api';
import { Checkbox, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { selectorProblem } from '../../parts/selector-problem.ts';
import { isShortName } from '../../parts/short-name.ts';
import { texts } from '../../texts/index.ts';

const t = texts.webhookForm;
const words = texts.webhooks;

interface Values {
  readonly name: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly on: string;
}
type Problems = Partial<Record<keyof Values, string>>;

const isAddress = (text: string): boolean => URL.canParse(text) && new URL(text).protocol === 'https:';

function problemsOf({ name, url, events, on }: Values): Problems {
  const selector = selectorProblem(on);
  return {
    ...(isShortName(name.trim()) ? {} : { name: texts.scheduleForm.nameBad }),
    ...(isAddress(url.trim()) ? {} : { url: t.urlBad }),
    ...(events.length > 0 ? {} : { events: t.eventsNone }),
    ...(selector === null ? {} : { on: selector }),
  };
}

interface FieldProps {
  readonly values: Values;
  readonly problems: Problems;
  readonly onChange: (change: Partial<Values>) => void;
}

function WebhookFields({ values, problems, onChange }: FieldProps) {
  const plain = { spellCheck: false, autoCapitalize: 'none', autoComplete: 'off' } as const;
  return (
    <>
      <TextInput
        {...plain}
        data-autofocus
        label={words.name}
        description={t.nameHint}
        value={values.name}
        error={problems.name ?? null}
        maxLength={40}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <TextInput
        {...plain}
        label={t.url}
        description={t.urlHint}
        value={values.url}
        error={problems.url ?? null}
        maxLength={500}
        onChange={(event) => onChange({ url: event.currentTarget.value })}
      />
      <Checkbox.Group
        label={t.events}
        error={problems.events ?? null}
        value={[...values.events]}
        onChange={(chosen) => onChange({ events: WEBHOOK_EVENTS.filter((event) => chosen.includes(event)) })}
      >
        <div className="hb-stack">
          {WEBHOOK_EVENTS.map((event) => (
            <Checkbox key={event} value={event} label={t.eventNames[event]} />
          ))}
        </div>
      </Checkbox.Group>
      <TextInput
        {...plain}
        label={`${t.selector} (${texts.words.optional})`}
        description={t.selectorHint}
        value={values.on}
        error={problems.on ?? null}
        maxLength={2000}
        classNames={{ input: 'hb-mono' }}
        onChange={(event) => onChange({ on: event.currentTarget.value })}
      />
    </>
  );
}

/** Makes a webhook; whether its address may be one at all, the controller says. */
export function WebhookDialog({ onClose }: { readonly onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [values, setValues] = useState<Values>({ name: '', url: '', events: ['run.failed', 'node.offline'], on: '' });
  const [isChecked, setIsChecked] = useState(false);
  const problems = problemsOf(values);
  const make = useMutation({
    mutationFn: () => {
      const { name, url, events, on } = values;
      const about = on.trim() === '' ? {} : { on: on.trim() };
      return api.makeWebhook({ name: name.trim(), url: url.trim(), events: [...events], ...about });
    },
    onSuccess: async ({ name }) => {
      notifications.show({ message: words.made(name) });
      await client.invalidateQueries({ queryKey: keys.webhooks });
      onClose();
    },
  });
  const submit = (): void => {
    setIsChecked(true);
    if (Object.keys(problems).length === 0) make.mutate();
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
      <WebhookFields
        values={values}
        problems={isChecked ? problems : {}}
        onChange={(change) => setValues((old) => ({ ...old, ...change }))}
      />
    </FormDialog>
  );
}
