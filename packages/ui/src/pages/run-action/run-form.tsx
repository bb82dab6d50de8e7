import type { ActionRow } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { SchemaForm } from '../../forms/schema-form.tsx';
import { texts } from '../../texts/index.ts';
import { TargetChooser } from './target-chooser.tsx';
import type { RunActionModel } from './use-run-action.ts';

const t = texts.runAction;

/** After a refused press the keyboard stands where something has to be put right. */
function focusFirstProblem(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

/** Nodes, arguments and reason. Enter makes the plan (or runs what only reads). */
export function RunForm({
  action,
  model,
  onSchedule,
}: {
  readonly action: ActionRow;
  readonly model: RunActionModel;
  readonly onSchedule: () => void;
}) {
  const submit = action.readOnly ? model.apply : model.makePlan;
  return (
    <form
      className="hb-card hb-card-pad hb-stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
        focusFirstProblem(event.currentTarget);
      }}
    >
      <TargetChooser action={action} model={model} />
      <SchemaForm fields={model.fields} values={model.values} problems={model.problems} onChange={model.setValues} />
      <TextInput
        label={`${t.reason} (${texts.words.optional})`}
        description={t.reasonHint}
        maxLength={500}
        value={model.reason}
        onChange={(event) => model.setReason(event.currentTarget.value)}
      />
      <div className="hb-row">
        <Button type="submit" loading={model.plan.kind === 'planning' || (action.readOnly && model.isApplying)}>
          {action.readOnly ? t.runRead : model.plan.kind === 'none' ? t.plan : t.planAgain}
        </Button>
        <Button
          variant="default"
          onClick={(event) => {
            model.check();
            if (model.request !== null) onSchedule();
            else if (event.currentTarget.form !== null) focusFirstProblem(event.currentTarget.form);
          }}
        >
          {texts.scheduleForm.open}
        </Button>
      </div>
    </form>
  );
}
