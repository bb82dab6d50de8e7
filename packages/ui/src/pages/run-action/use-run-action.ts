import type { ActionRow, RunDetail, RunRequest } from '@hauban/shared/api';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { useRun } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { parseForm } from '../../forms/form-args.ts';
import { fieldsOf, initialValues, type Field, type FormValues } from '../../forms/schema-fields.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { browserRandom } from '../../platform/browser-clock.ts';
import { texts } from '../../texts/index.ts';
import { newRunKey, planState, type PlanState } from './plan-state.ts';

/** What is asked of the controller, without the mode. */
export type Wanted = Pick<RunRequest, 'action' | 'args' | 'nodes'>;

export interface RunActionModel {
  readonly fields: readonly Field[];
  readonly values: FormValues;
  readonly problems: Readonly<Record<string, string>>;
  readonly nodes: readonly string[];
  readonly nodesProblem: string | null;
  readonly reason: string;
  readonly startWithinMs: number;
  readonly setValues: (values: FormValues) => void;
  readonly setNodes: (nodes: readonly string[]) => void;
  readonly setReason: (reason: string) => void;
  readonly setStartWithinMs: (ms: number) => void;
  /** The form as it stands; null while it does not fit. */
  readonly request: Wanted | null;
  readonly plan: PlanState;
  readonly planRun: RunDetail | undefined;
  readonly makePlan: () => void;
  readonly apply: () => void;
  readonly isApplying: boolean;
  readonly applyError: unknown;
}

/** Arguments from the address (a run that is done again): a start for the form, which is checked like typed text. */
export function givenArgs(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

const DEFAULT_START_MS = 60_000;

/** Form, nodes, plan and confirmation of one action, as one model that the parts of the page show. */
export function useRunAction(action: ActionRow, onStarted: (runId: string) => void): RunActionModel {
  const { api } = useServices();
  const [search, setSearch] = useSearchState();
  const fields = useMemo(() => fieldsOf(action.args, action.filledIn), [action]);
  const [values, setValues] = useState<FormValues>(() => initialValues(fields, action.args, givenArgs(search['args'])));
  const [isChecked, setIsChecked] = useState(false);
  const [reason, setReason] = useState('');
  const [startWithinMs, setStartWithinMs] = useState(DEFAULT_START_MS);
  const [runKey, setRunKey] = useState(() => newRunKey(browserRandom));
  const nodes = useMemo(() => (search['node'] ?? '').split(',').filter((id) => id !== ''), [search]);

  const parsed = useMemo(() => parseForm(fields, values), [fields, values]);
  const request = useMemo<Wanted | null>(
    () => (parsed.ok && nodes.length > 0 ? { action: action.name, args: parsed.args, nodes: [...nodes] } : null),
    [parsed, nodes, action],
  );

  const planning = useMutation({
    mutationFn: async (wanted: Wanted) => ({ wanted, run: await api.startRun({ ...wanted, mode: 'plan' }) }),
    onSuccess: () => setRunKey(newRunKey(browserRandom)),
  });
  const planned = planning.data;
  const planRun = useRun(planned?.run.id ?? '', { enabled: planned !== undefined });
  const plan = planState({
    isSending: planning.isPending,
    error: planning.error ?? planRun.error,
    planned: planned?.wanted,
    run: planRun.data,
    request,
  });

  const applying = useMutation({
    mutationFn: async (wanted: Wanted) => {
      const trimmed = reason.trim();
      return api.startRun({
        ...wanted,
        mode: 'apply',
        startWithinMs,
        idempotencyKey: runKey,
        ...(plan.kind === 'ready' && plan.hash !== null ? { planHash: plan.hash } : {}),
        ...(trimmed === '' ? {} : { reason: trimmed }),
      });
    },
    onSuccess: (run) => onStarted(run.id),
  });

  const withRequest = (next: (wanted: Wanted) => void) => (): void => {
    setIsChecked(true);
    if (request !== null) next(request);
  };
  const setNodes = useCallback((ids: readonly string[]) => setSearch({ node: ids.join(',') }), [setSearch]);
  return {
    fields,
    values,
    problems: isChecked && !parsed.ok ? parsed.problems : {},
    nodes,
    nodesProblem: isChecked && nodes.length === 0 ? texts.runAction.nodesNone : null,
    reason,
    startWithinMs,
    setValues,
    setNodes,
    setReason,
    setStartWithinMs,
    request,
    plan,
    planRun: planRun.data,
    makePlan: withRequest((wanted) => planning.mutate(wanted)),
    apply: withRequest((wanted) => applying.mutate(wanted)),
    isApplying: applying.isPending,
    applyError: applying.error,
  };
}
