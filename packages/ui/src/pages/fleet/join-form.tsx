import { Button, Textarea, TextInput } from '@mantine/core';
import { RolePicker } from '../../parts/role-picker.tsx';
import { texts } from '../../texts/index.ts';
import type { JoinFormValues } from './join-values.ts';

const t = texts.join;

export interface JoinFormProps {
  readonly values: JoinFormValues;
  readonly problems: Readonly<Record<string, string>>;
  readonly isBusy: boolean;
  readonly onChange: (values: JoinFormValues) => void;
  readonly onSubmit: () => void;
}

export function JoinForm({ values, problems, isBusy, onChange, onSubmit }: JoinFormProps) {
  return (
    <form
      className="hb-stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <TextInput
        label={`${t.hostName} (${texts.words.optional})`}
        description={t.hostNameHint}
        value={values.hostName}
        spellCheck={false}
        onChange={(event) => onChange({ ...values, hostName: event.currentTarget.value })}
      />
      <RolePicker value={values.roles} onChange={(roles) => onChange({ ...values, roles })} />
      <Textarea
        label={`${t.labels} (${texts.words.optional})`}
        description={t.labelsHint}
        autosize
        minRows={2}
        spellCheck={false}
        value={values.labels}
        error={problems['labels'] ?? null}
        onChange={(event) => onChange({ ...values, labels: event.currentTarget.value })}
      />
      <div className="hb-row">
        <TextInput
          label={t.uses}
          inputMode="numeric"
          value={values.uses}
          error={problems['uses'] ?? null}
          onChange={(event) => onChange({ ...values, uses: event.currentTarget.value })}
        />
        <TextInput
          label={t.minutes}
          inputMode="numeric"
          value={values.minutes}
          error={problems['minutes'] ?? null}
          onChange={(event) => onChange({ ...values, minutes: event.currentTarget.value })}
        />
      </div>
      <div>
        <Button type="submit" loading={isBusy}>
          {t.make}
        </Button>
      </div>
    </form>
  );
}
