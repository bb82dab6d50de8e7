import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { NODE_ROLES } from '@hauban/shared/protocol';
import { roleName } from '../../parts/role-chips.tsx';
import { texts } from '../../texts/index.ts';
import { RIGHTS, type Right, type RuleProblems, type RuleValues } from './rule-values.ts';

const t = texts.roles;

interface PartProps {
  readonly values: RuleValues;
  /** Empty until saving was tried. */
  readonly problems: RuleProblems;
  readonly onChange: (change: Partial<RuleValues>) => void;
}

const choices = <T extends string>(names: Readonly<Record<T, string>>) =>
  Object.entries<string>(names).map(([value, label]) => ({ value, label }));

function What({ values, problems, onChange }: PartProps) {
  return (
    <>
      <Checkbox.Group
        label={t.what}
        value={[...values.rights]}
        error={problems.rights}
        onChange={(rights) => onChange({ rights: RIGHTS.filter((right) => rights.includes(right)) })}
      >
        <div className="hb-role-checks">
          {RIGHTS.map((right: Right) => (
            <Checkbox key={right} value={right} label={t.rights[right]} />
          ))}
        </div>
      </Checkbox.Group>
      <NativeSelect
        label={t.actions}
        value={values.actions}
        data={choices(t.actionChoices)}
        onChange={(event) => onChange({ actions: event.currentTarget.value as RuleValues['actions'] })}
      />
      {values.actions !== 'some' ? null : (
        <Textarea
          label={t.actionLines}
          description={t.actionHint}
          autosize
          minRows={2}
          spellCheck={false}
          value={values.actionLines}
          error={problems.actionLines}
          onChange={(event) => onChange({ actionLines: event.currentTarget.value })}
        />
      )}
    </>
  );
}

function Place({ values, problems, onChange }: PartProps) {
  return (
    <>
      <p className="hb-quiet hb-small">{t.placeHint}</p>
      <Checkbox.Group label={t.nodeRoles} value={[...values.roles]} onChange={(roles) => onChange({ roles })}>
        <div className="hb-role-checks">
          {NODE_ROLES.map((role) => (
            <Checkbox key={role} value={role} label={roleName(role)} />
          ))}
        </div>
      </Checkbox.Group>
      <Textarea
        label={t.labels}
        description={texts.join.labelsHint}
        autosize
        minRows={1}
        spellCheck={false}
        value={values.labels}
        error={problems.labels}
        onChange={(event) => onChange({ labels: event.currentTarget.value })}
      />
      <Textarea
        label={t.hosts}
        description={t.hostsHint}
        autosize
        minRows={1}
        spellCheck={false}
        value={values.hosts}
        error={problems.hosts}
        onChange={(event) => onChange({ hosts: event.currentTarget.value })}
      />
    </>
  );
}

function TimeWindow({ values, problems, onChange }: PartProps) {
  const time = (field: 'from' | 'to', label: string) => (
    <TextInput
      label={label}
      value={values[field]}
      maxLength={5}
      error={problems[field]}
      onChange={(event) => onChange({ [field]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <Checkbox.Group
        label={t.daysLabel}
        value={[...values.days]}
        error={problems.days}
        onChange={(days) => onChange({ days })}
      >
        <div className="hb-role-checks">
          {t.days.map((day, at) => (
            <Checkbox key={day} value={String(at)} label={day} />
          ))}
        </div>
      </Checkbox.Group>
      <div className="hb-filters">
        {time('from', t.from)}
        {time('to', t.to)}
      </div>
      <p className="hb-quiet hb-small">{t.windowHint}</p>
    </>
  );
}

function How({ values, problems, onChange }: PartProps) {
  const isShell = values.rights.includes('shell') || values.rights.includes('attach');
  return (
    <>
      {!isShell ? null : (
        <TextInput
          label={t.users}
          description={t.usersHint}
          spellCheck={false}
          autoCapitalize="none"
          value={values.users}
          error={problems.users}
          onChange={(event) => onChange({ users: event.currentTarget.value })}
        />
      )}
      <Checkbox
        label={t.needsApproval}
        checked={values.needsApproval}
        onChange={(event) => onChange({ needsApproval: event.currentTarget.checked })}
      />
      <Checkbox
        label={t.hasWindow}
        checked={values.hasWindow}
        onChange={(event) => onChange({ hasWindow: event.currentTarget.checked })}
      />
      {values.hasWindow ? <TimeWindow values={values} problems={problems} onChange={onChange} /> : null}
    </>
  );
}

export interface RuleFieldsProps extends PartProps {
  /** Counted from 1. */
  readonly number: number;
  /** What it grants, in words; null while it is incomplete. */
  readonly sentence: string | null;
  /** Null: the last one stays. */
  readonly onRemove: (() => void) | null;
}

/** One rule: what, where, how, and the sentence that they come to. */
export function RuleFields({ number, sentence, onRemove, ...part }: RuleFieldsProps) {
  const { values, problems, onChange } = part;
  return (
    <fieldset className="hb-rule">
      <legend className="hb-section-title">{t.rule(number)}</legend>
      <div className="hb-stack">
        <p className="hb-rule-says" role="status">
          {sentence === null ? (
            <span className="hb-quiet">{t.notYet}</span>
          ) : (
            <>
              <span className="hb-quiet">{t.granted}</span> <span className="hb-foreign">{sentence}</span>
            </>
          )}
        </p>
        <What {...part} />
        <NativeSelect
          label={t.where}
          value={values.where}
          data={choices(t.whereChoices)}
          error={problems.where}
          onChange={(event) => onChange({ where: event.currentTarget.value as RuleValues['where'] })}
        />
        {values.where === 'some' ? <Place {...part} /> : null}
        <How {...part} />
        <TextInput
          label={t.ruleName}
          description={t.ruleNameHint}
          maxLength={64}
          spellCheck={false}
          value={values.name}
          error={problems.name}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
        />
        {onRemove === null ? null : (
          <div>
            <Button size="compact-sm" variant="default" onClick={onRemove}>
              {t.removeRule(number)}
            </Button>
          </div>
        )}
      </div>
    </fieldset>
  );
}
