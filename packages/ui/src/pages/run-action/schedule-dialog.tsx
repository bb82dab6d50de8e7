import type { ActionRow, ScheduleRequest } from '@hauban/shared/api';
import { NativeSelect, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { readerZone } from '../../format/time.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { CronFields, DAILY } from '../../parts/cron-fields.tsx';
import { cronProblem } from '../../parts/next-times.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { isShortName } from '../../parts/short-name.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { parseStrategyValues } from './strategy-values.ts';
import type { RunActionModel, Wanted } from './use-run-action.ts';

const t = texts.scheduleForm;
type Missed = NonNullable<ScheduleRequest['missed']>;

const whereText = ({ on, nodes }: Wanted): string =>
  on === undefined ? t.whereNodes(nodes?.length ?? 0) : t.whereSelector;

/** Makes the schedule of what stands in the form, and shows it among the others. */
function useMake(wanted: Wanted, model: RunActionModel) {
  const { api } = useServices();
  const client = useQueryClient();
  const navigate = useNavigate();
  const strategy = parseStrategyValues(model.strategy);
  const reason = model.reason.trim();
  return useMutation({
    mutationFn: (when: Pick<ScheduleRequest, 'name' | 'cron' | 'zone' | 'missed'>) =>
      api.makeSchedule({
        ...wanted,
        ...when,
        mode: 'apply',
        ...(strategy.ok && strategy.strategy !== undefined ? { strategy: strategy.strategy } : {}),
        ...(reason === '' ? {} : { reason }),
      }),
    onSuccess: async (made) => {
      notifications.show({ message: t.made(made.name) });
      await client.invalidateQueries({ queryKey: keys.schedules });
      await navigate({ to: paths.schedules });
    },
  });
}

/** When what stands in the form shall run again and again. */
export function ScheduleDialog({
  action,
  wanted,
  model,
  onClose,
}: {
  readonly action: ActionRow;
  readonly wanted: Wanted;
  readonly model: RunActionModel;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState('');
  const [missed, setMissed] = useState<Missed>('run-once');
  const [times, setTimes] = useState({ cron: DAILY, zone: readerZone() });
  const [isChecked, setIsChecked] = useState(false);
  const make = useMake(wanted, model);
  const isGood = isShortName(name.trim()) && cronProblem(times.cron, times.zone) === null;
  const submit = (): void => {
    setIsChecked(true);
    if (isGood) make.mutate({ name: name.trim(), cron: times.cron.trim(), zone: times.zone.trim(), missed });
  };
  return (
    <FormDialog
      title={t.title(action.name)}
      verb={t.make}
      isBusy={make.isPending}
      error={make.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        label={texts.schedules.name}
        description={t.nameHint}
        value={name}
        error={isChecked && !isShortName(name.trim()) ? t.nameBad : null}
        maxLength={40}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <CronFields {...times} onChange={(change) => setTimes((old) => ({ ...old, ...change }))} />
      <NativeSelect
        label={t.missed}
        value={missed}
        onChange={(event) => setMissed(event.currentTarget.value === 'skip' ? 'skip' : 'run-once')}
        data={[
          { value: 'run-once', label: t.misseds['run-once'] },
          { value: 'skip', label: t.misseds.skip },
        ]}
      />
      <p className="hb-small">
        {t.where}: <span className="hb-mono hb-foreign">{visibleLine(wanted.on ?? '', 300)}</span> {whereText(wanted)}
      </p>
    </FormDialog>
  );
}
