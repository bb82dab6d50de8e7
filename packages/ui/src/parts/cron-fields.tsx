import { NativeSelect, TextInput } from '@mantine/core';
import { texts } from '../texts/index.ts';
import { cronProblem, nextTimes } from './next-times.ts';
import { DateTime } from './time-text.tsx';
import { useNow } from './use-now.ts';

const t = texts.scheduleForm;
const OWN = 'own';
const USUAL = {
  hourly: '0 * * * *',
  daily: '30 3 * * *',
  weekly: '30 3 * * 0',
  monthly: '30 3 1 * *',
} as const;
type Usual = keyof typeof USUAL;
const USUALS = Object.keys(USUAL) as Usual[];
const SHOWN = 3;

export const DAILY: string = USUAL.daily;

export interface CronFieldsProps {
  readonly cron: string;
  readonly zone: string;
  readonly onChange: (change: { readonly cron?: string; readonly zone?: string }) => void;
}

/** When something comes again: one of the usual lines or an own one, whose clocks, and when that is next. */
export function CronFields({ cron, zone, onChange }: CronFieldsProps) {
  const now = useNow();
  const usual = USUALS.find((key) => USUAL[key] === cron) ?? OWN;
  const problem = cronProblem(cron, zone);
  const next = nextTimes(cron, zone, now, SHOWN);
  const choose = (value: string): void => {
    const known = USUALS.find((key) => key === value);
    // Its own line starts from the one that stood there; a blank makes it another one.
    onChange({ cron: known === undefined ? `${cron.trim()} ` : USUAL[known] });
  };
  return (
    <>
      <NativeSelect
        label={t.usual}
        value={usual}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[...USUALS.map((key) => ({ value: key, label: t.usuals[key] })), { value: OWN, label: t.usuals.own }]}
      />
      {usual === OWN ? (
        <TextInput
          label={t.cron}
          description={t.cronHint}
          value={cron}
          error={problem}
          maxLength={200}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: 'hb-mono' }}
          onChange={(event) => onChange({ cron: event.currentTarget.value })}
        />
      ) : null}
      <TextInput
        label={t.zone}
        description={t.zoneHint}
        value={zone}
        error={usual === OWN ? null : problem}
        maxLength={64}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange({ zone: event.currentTarget.value })}
      />
      {problem === null ? (
        <div role="status">
          <p className="hb-quiet hb-small">{next.length === 0 ? t.never : t.next}</p>
          {next.map((at) => (
            <div key={at}>
              <DateTime at={at} />
            </div>
          ))}
        </div>
      ) : null}
    </>
  );
}
