import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { texts } from '../../texts/index.ts';
import { parseStrategyValues, type StrategyValues } from './strategy-values.ts';

const t = texts.strategy;
const KINDS = Object.entries(t.kinds).map(([value, label]) => ({ value, label }));
const ENDS = Object.entries(t.onFailures).map(([value, label]) => ({ value, label }));
const FIELDS = ['canary', 'waves', 'maxInFlight', 'pauseSeconds', 'stopAfter'] as const;

interface StrategyFieldsProps {
  readonly values: StrategyValues;
  readonly onChange: (values: StrategyValues) => void;
}

/** How it goes over the nodes. Safe unless somebody says otherwise. */
export function StrategyFields({ values, onChange }: StrategyFieldsProps) {
  const parsed = parseStrategyValues(values);
  const problems = parsed.ok ? {} : parsed.problems;
  const set = (change: Partial<StrategyValues>): void => onChange({ ...values, ...change });
  const kind = (value: string): void => {
    if (value === 'safe' || value === 'own' || value === 'at-once') set({ kind: value });
  };
  return (
    <fieldset className="hb-fieldset hb-stack">
      <NativeSelect
        label={t.title}
        description={t.hints[values.kind]}
        value={values.kind}
        data={KINDS}
        onChange={(event) => kind(event.currentTarget.value)}
      />
      {values.kind !== 'own' ? null : (
        <>
          {FIELDS.map((name) => (
            <TextInput
              key={name}
              label={t.fields[name]}
              value={values[name]}
              error={problems[name]}
              inputMode={name === 'waves' || name === 'stopAfter' ? 'text' : 'numeric'}
              onChange={(event) => set({ [name]: event.currentTarget.value })}
            />
          ))}
          <Checkbox
            label={t.healthGate}
            checked={values.healthGate}
            onChange={(event) => set({ healthGate: event.currentTarget.checked })}
          />
          <NativeSelect
            label={t.onFailure}
            value={values.onFailure}
            data={ENDS}
            onChange={(event) => set({ onFailure: event.currentTarget.value === 'undo' ? 'undo' : 'stop' })}
          />
        </>
      )}
    </fieldset>
  );
}
