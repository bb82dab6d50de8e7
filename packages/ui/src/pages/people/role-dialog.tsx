import { isPlaceCovered, type AccessRule, type NodeRow, type RoleRow } from '@hauban/shared/api';
import { Button, Modal, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { keys, useActions } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, Notice, QueryView } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';
import { RuleFields } from './rule-fields.tsx';
import {
  emptyRule,
  parseRule,
  roleNameProblem,
  ruleValues,
  type ParsedRule,
  type RuleContext,
  type RuleValues,
} from './rule-values.ts';
import { ruleSentence } from '../../parts/rule-words.ts';
import { useAllNodes } from './use-all-nodes.ts';

const t = texts.roles;
/** As `AccessRules` of the contract. */
const MOST_RULES = 20;
const MOST_HOSTS = 8;

/** How far the rules reach at this moment, by the function that the controller decides with. */
function Reach({ rules, nodes }: { readonly rules: readonly AccessRule[]; readonly nodes: readonly NodeRow[] }) {
  const reached = nodes.filter((node) => rules.some(({ where }) => isPlaceCovered(where, node)));
  const hosts = reached.slice(0, MOST_HOSTS).map(({ hostName }) => visibleLine(hostName, 60));
  return (
    <p className="hb-foreign" role="status" data-reach>
      <strong>{t.reaches(reached.length, nodes.length)}</strong>
      {hosts.length === 0 ? null : t.reachList(hosts.join(', '), reached.length - hosts.length)}
    </p>
  );
}

interface FormProps {
  readonly role: RoleRow | null;
  readonly taken: readonly string[];
  readonly nodes: readonly NodeRow[];
  readonly actionNames: readonly string[];
  readonly onClose: () => void;
}

/** Rules as they are typed, each with a key that stays when one before it is removed. */
function useRules(role: RoleRow | null, context: RuleContext) {
  const [rules, setRules] = useState<readonly { readonly key: number; readonly values: RuleValues }[]>(() =>
    (role === null ? [emptyRule(t.newRuleName(1))] : role.rules.map((rule) => ruleValues(rule, context.nodes))).map(
      (values, key) => ({ key, values }),
    ),
  );
  const parsed: readonly ParsedRule[] = rules.map(({ values }) => parseRule(values, context));
  return {
    rules,
    parsed,
    /** What is complete. */
    good: parsed.flatMap((each) => (each.ok ? [each.rule] : [])),
    change: (key: number, change: Partial<RuleValues>) =>
      setRules((old) => old.map((each) => (each.key === key ? { key, values: { ...each.values, ...change } } : each))),
    add: () =>
      setRules((old) => [
        ...old,
        { key: Math.max(0, ...old.map(({ key }) => key)) + 1, values: emptyRule(t.newRuleName(old.length + 1)) },
      ]),
    remove: (key: number) => setRules((old) => old.filter((each) => each.key !== key)),
  };
}

function RoleForm({ role, taken, nodes, actionNames, onClose }: FormProps) {
  const { api } = useServices();
  const client = useQueryClient();
  const [name, setName] = useState(role?.name ?? '');
  const [isChecked, setIsChecked] = useState(false);
  const nameField = useRef<HTMLInputElement | null>(null);
  // The form comes after the dialog, which has given the focus to its close button by then.
  useEffect(() => nameField.current?.focus(), []);
  const { rules, parsed, good, change, add, remove } = useRules(role, { actionNames, nodes });
  const save = useMutation({
    mutationFn: () => api.putRole(name.trim(), good),
    onSuccess: async () => {
      notifications.show({ message: t.saved(visibleLine(name.trim(), 64)) });
      await client.invalidateQueries({ queryKey: keys.roles });
      onClose();
    },
  });
  const nameProblem = role === null ? roleNameProblem(name.trim(), taken) : null;
  const isGood = nameProblem === null && good.length === rules.length;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (isGood) save.mutate();
  };
  const hostOf = (id: string): string => nodes.find((node) => node.id === id)?.hostName ?? id;
  return (
    <form className="hb-stack" noValidate onSubmit={submit}>
      {role !== null ? null : (
        <TextInput
          data-autofocus
          ref={nameField}
          label={t.name}
          description={t.nameHint}
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          value={name}
          error={isChecked ? nameProblem : null}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
      {role === null || role.people === 0 ? null : <Notice tone="warn">{t.reachPeople(role.people)}</Notice>}
      {rules.map(({ key, values }, at) => {
        const each = parsed[at];
        return (
          <RuleFields
            key={key}
            number={at + 1}
            values={values}
            problems={isChecked && each?.ok === false ? each.problems : {}}
            sentence={each?.ok === true ? ruleSentence(each.rule, hostOf) : null}
            onChange={(changed) => change(key, changed)}
            onRemove={rules.length === 1 ? null : () => remove(key)}
          />
        );
      })}
      {rules.length >= MOST_RULES ? null : (
        <div className="hb-row">
          <Button variant="default" onClick={add}>
            {t.addRule}
          </Button>
          <span className="hb-quiet hb-small">{t.rulesText}</span>
        </div>
      )}
      <div className="hb-role-foot">
        <Reach rules={good} nodes={nodes} />
        {save.error === null ? null : <ErrorNotice error={save.error} />}
        <div className="hb-row">
          <Button type="submit" loading={save.isPending}>
            {texts.words.save}
          </Button>
          <Button variant="default" onClick={onClose}>
            {texts.words.cancel}
          </Button>
          {isChecked && !isGood ? <span role="alert">{t.check}</span> : null}
        </div>
      </div>
    </form>
  );
}

/** Makes a role, or changes one. */
export default function RoleDialog({ role, taken, onClose }: Pick<FormProps, 'role' | 'taken' | 'onClose'>) {
  const nodes = useAllNodes();
  const actions = useActions();
  return (
    <Modal
      opened
      size="xl"
      onClose={onClose}
      title={role === null ? t.newTitle : t.editTitle(visibleLine(role.name, 64))}
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <QueryView query={nodes} what={texts.fleet.title}>
        {(all) => (
          <QueryView query={actions} what={t.actions}>
            {(known) => (
              <RoleForm
                role={role}
                taken={taken}
                nodes={all}
                actionNames={known.map((action) => action.name)}
                onClose={onClose}
              />
            )}
          </QueryView>
        )}
      </QueryView>
    </Modal>
  );
}
