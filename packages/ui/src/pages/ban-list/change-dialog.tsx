import type { BanListAddition, BanListChange, BanListRow } from '@hauban/shared/api';
import { Checkbox, NativeSelect, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { texts } from '../../texts/index.ts';
import { DURATIONS_S, parseChange, REASONS, START, type ChangeValues } from './change-values.ts';
import { ChangeView } from './change-view.tsx';

const t = texts.banList;

export type ChangeKind = 'add' | 'take';

interface FieldProps {
  readonly kind: ChangeKind;
  readonly values: ChangeValues;
  readonly problem: string | null;
  readonly onChange: (change: Partial<ChangeValues>) => void;
}

function AddFields({ values, onChange }: Omit<FieldProps, 'kind' | 'problem'>) {
  return (
    <>
      <NativeSelect
        label={t.forHowLong}
        value={values.durationS}
        onChange={(event) => onChange({ durationS: event.currentTarget.value })}
        data={[
          { value: '', label: t.untilTakenOff },
          ...DURATIONS_S.map((each) => ({ value: String(each), label: t.durations[each] })),
        ]}
      />
      <NativeSelect
        label={texts.words.reason}
        value={values.reason}
        onChange={(event) => onChange({ reason: event.currentTarget.value })}
        data={REASONS.map((each) => ({ value: each, label: t.reasons[each] }))}
      />
      <Checkbox
        label={t.isWhole}
        description={t.isWholeHint}
        checked={values.isWhole}
        onChange={(event) => onChange({ isWhole: event.currentTarget.checked })}
      />
    </>
  );
}

function ChangeFields({ kind, values, problem, onChange }: FieldProps) {
  return (
    <>
      <Textarea
        data-autofocus
        label={t.lines}
        description={kind === 'add' ? t.linesHint : t.linesTakeHint}
        autosize
        minRows={5}
        maxRows={8}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        classNames={{ input: 'hb-mono', error: 'hb-lines' }}
        value={values.lines}
        error={problem}
        onChange={(event) => onChange({ lines: event.currentTarget.value })}
      />
      {kind === 'add' ? <AddFields values={values} onChange={onChange} /> : null}
    </>
  );
}

/** What was seen belongs to exactly what was typed then. */
interface Seen {
  readonly request: string;
  readonly change: BanListChange;
}

const isNothing = ({ added, changed, removed }: BanListChange): boolean => added + changed + removed === 0;

/** Puts onto a list, or takes off it, what is typed or pasted: it is shown first what that changes. */
export function ChangeDialog({
  list,
  kind,
  onClose,
}: {
  readonly list: BanListRow;
  readonly kind: ChangeKind;
  readonly onClose: () => void;
}) {
  const { api } = useServices();
  const client = useQueryClient();
  const [values, setValues] = useState(START);
  const [isChecked, setIsChecked] = useState(false);
  const [seen, setSeen] = useState<Seen | null>(null);
  const parsed = parseChange(values);
  const current = parsed.ok && seen !== null && seen.request === JSON.stringify(parsed.request) ? seen.change : null;
  const send = (request: BanListAddition, plan: boolean): Promise<BanListChange> =>
    kind === 'add'
      ? api.addToBanList(list.id, { ...request, plan })
      : api.takeOffBanList(list.id, { targets: request.targets, plan });
  const look = useMutation({
    mutationFn: (request: BanListAddition) => send(request, true),
    onSuccess: (change, request) => setSeen({ request: JSON.stringify(request), change }),
  });
  const apply = useMutation({
    mutationFn: (request: BanListAddition) => send(request, false),
    onSuccess: async ({ entryCount }) => {
      notifications.show({ message: t.changed(list.name, entryCount) });
      // Before it closes: what was said of the nodes is about the list of before.
      await client.invalidateQueries({ queryKey: keys.pools });
      await client.invalidateQueries({ queryKey: keys.banLists });
      onClose();
    },
  });
  const submit = (): void => {
    setIsChecked(true);
    if (!parsed.ok) return;
    if (current === null || isNothing(current)) look.mutate(parsed.request);
    else apply.mutate(parsed.request);
  };
  return (
    <FormDialog
      title={kind === 'add' ? t.addTitle(list.name) : t.takeTitle(list.name)}
      verb={current === null || isNothing(current) ? t.look : t.change}
      isBusy={look.isPending || apply.isPending}
      error={apply.error ?? look.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <ChangeFields
        kind={kind}
        values={values}
        problem={isChecked && !parsed.ok ? parsed.problem : null}
        onChange={(change) => setValues((old) => ({ ...old, ...change }))}
      />
      {current === null ? null : <ChangeView change={current} />}
    </FormDialog>
  );
}
