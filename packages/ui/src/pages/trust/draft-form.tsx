import type { TrustState } from '@hauban/shared/api';
import { Button, NativeSelect, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { ErrorNotice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';
import { draftProblem, draftRequest, draftValues, type DraftValues } from './draft-values.ts';

const t = texts.trust;
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
/** As `TrustDraftRequest` of the contract. */
const CHOICES: readonly (readonly [keyof DraftValues, string, readonly string[]])[] = [
  ['quorum', t.quorum, numbers(1, 20)],
  ['high', t.high, numbers(0, 4)],
  ['rootShell', t.rootShell, numbers(0, 4)],
  ['shell', t.shell, numbers(0, 4)],
];

/** The rules of the next version; its people are those of the controller as they are now. */
export function DraftForm({ state }: { readonly state: TrustState }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [values, setValues] = useState(() => draftValues(state));
  const draft = useMutation({
    mutationFn: () => api.draftTrust(draftRequest(values)),
    onSuccess: (next) => client.setQueryData(keys.trust, next),
  });
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const found = draftProblem(values);
    setProblem(found);
    if (found === null) draft.mutate();
  };
  return (
    <form className="hb-card hb-card-pad hb-stack" onSubmit={submit} noValidate aria-label={t.draftTitle}>
      <h2 className="hb-section-title">{t.draftTitle}</h2>
      <p className="hb-quiet">{t.takesPeople}</p>
      {CHOICES.map(([field, label, data]) => (
        <NativeSelect
          key={field}
          label={label}
          data={data}
          value={values[field]}
          onChange={(event) => setValues({ ...values, [field]: event.currentTarget.value })}
        />
      ))}
      <NativeSelect
        label={t.own}
        data={[
          { value: 'auto', label: t.ownAuto },
          { value: 'no', label: t.ownNo },
          { value: 'yes', label: t.ownYes },
        ]}
        value={values.own}
        onChange={(event) => setValues({ ...values, own: event.currentTarget.value })}
      />
      <NativeSelect
        label={t.custom}
        data={[
          { value: 'each', label: t.customEach },
          { value: 'only', label: t.customOnly },
        ]}
        value={values.custom}
        onChange={(event) => setValues({ ...values, custom: event.currentTarget.value })}
      />
      {values.custom === 'each' ? null : (
        <Textarea
          label={t.pins}
          description={t.pinsHelp}
          error={problem}
          autosize
          minRows={3}
          maxRows={12}
          spellCheck={false}
          classNames={{ input: 'hb-mono' }}
          value={values.pins}
          onChange={(event) => setValues({ ...values, pins: event.currentTarget.value })}
        />
      )}
      {state.draft === null ? null : <p className="hb-quiet">{t.replaces}</p>}
      {draft.error === null ? null : <ErrorNotice error={draft.error} />}
      <div>
        <Button type="submit" variant="default" loading={draft.isPending}>
          {t.draftButton}
        </Button>
      </div>
    </form>
  );
}
