/** A form made from the JSON Schema of an action. May import texts and Mantine; knows no action by name. */
import { Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import type { Field, FormValues } from './schema-fields.ts';

/** What a field may hold, in words, below it. */
function hintOf(field: Field): string {
  const parts = [field.description];
  if (field.kind === 'number' && field.isSeconds) parts.push(texts.form.timeHint);
  if (field.kind === 'number') parts.push(rangeText(field.min, field.max));
  if (field.kind === 'text' && field.pattern !== null && field.description === '')
    parts.push(texts.form.patternHint(field.pattern));
  if (field.kind === 'list')
    parts.push(field.options === null ? texts.form.listHint : `${texts.form.listHint}: ${field.options.join(', ')}`);
  if (field.kind === 'json') parts.push(texts.form.jsonHint);
  if (field.isFilledIn) parts.push(texts.form.filledIn);
  return parts.filter((part) => part !== '').join(' · ');
}

function rangeText(min: number | null, max: number | null): string {
  if (min !== null && max !== null) return texts.form.range(String(min), String(max));
  if (min !== null) return texts.form.atLeast(String(min));
  return max === null ? '' : texts.form.atMost(String(max));
}

interface FieldProps {
  readonly field: Field;
  readonly value: string | boolean | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: string | boolean) => void;
}

function FieldInput({ field, value, problem, onChange }: FieldProps): ReactNode {
  const label = field.isRequired ? field.title : `${field.title} (${texts.words.optional})`;
  const shared = {
    id: `arg-${field.name}`,
    label,
    description: hintOf(field),
    error: problem ?? null,
    name: field.name,
  };
  if (field.kind === 'boolean') {
    return (
      <Checkbox
        {...shared}
        label={field.title}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  const typed = typeof value === 'string' ? value : '';
  const plain = {
    ...shared,
    required: field.isRequired,
    withAsterisk: false,
    value: typed,
    autoComplete: 'off',
    spellCheck: false,
  };
  const onType = (event: { readonly currentTarget: { readonly value: string } }): void =>
    onChange(event.currentTarget.value);
  switch (field.kind) {
    case 'choice':
      return (
        <NativeSelect
          {...shared}
          value={typed}
          onChange={onType}
          data={[
            { value: '', label: texts.form.choose },
            ...field.options.map((option) => ({ value: String(option), label: String(option) })),
          ]}
        />
      );
    case 'number':
      return (
        <TextInput
          {...plain}
          inputMode={field.isSeconds ? 'text' : 'numeric'}
          placeholder={field.example}
          onChange={onType}
        />
      );
    case 'text':
      return <TextInput {...plain} placeholder={field.example} onChange={onType} />;
    case 'list':
    case 'json':
      return (
        <Textarea
          {...plain}
          autosize
          minRows={2}
          maxRows={12}
          placeholder={field.example}
          onChange={onType}
          classNames={{ input: 'hb-mono' }}
        />
      );
  }
}

export interface SchemaFormProps {
  readonly fields: readonly Field[];
  readonly values: FormValues;
  /** Shown beside the fields they belong to. */
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (values: FormValues) => void;
}

export function SchemaForm({ fields, values, problems, onChange }: SchemaFormProps) {
  if (fields.length === 0) return <p className="hb-quiet">{texts.form.noArgs}</p>;
  return (
    <div className="hb-stack">
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={values[field.name]}
          problem={problems[field.name]}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
        />
      ))}
    </div>
  );
}
