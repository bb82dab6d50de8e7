import { parseSelector, type ActionRow, type RunDetail, type RunRequest } from '@hauban/shared/api';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { useRun } from '../../api/hooks.ts';
import { useMergedPlan } from '../../api/run-hooks.ts';
import { useServices } from '../../api/services.ts';
import { parseForm } from '../../forms/form-args.ts';
import { fieldsOf, initialValues, type Field, type FormValues } from '../../forms/schema-fields.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { browserRandom } from '../../platform/browser-clock.ts';
import { texts } from '../../texts/index.ts';
import { newRunKey, planState, type PlanState } from './plan-state.ts';
import { parseStrategyValues, SAFE_STRATEGY, type StrategyValues } from './strategy-values.ts';

/** What is asked of the controller, without the mode. */
export type Wanted = Pick<RunRequest, 'action' | 'args' | 'nodes' | 'on'>;

export interface RunActionModel {
  readonly fields: readonly Field[];
  readonly values: FormValues;
  readonly problems: Readonly<Record<string, string>>;
  readonly nodes: readonly string[];
  readonly nodesProblem: string | null;
  readonly isBySelector: boolean;
  readonly on: string;
  readonly strategy: StrategyValues;
  readonly reason: string;
  readonly startWithinMs: number;
  readonly setValues: (values: FormValues) => void;
  readonly setNodes: (nodes: readonly string[]) => void;
  readonly setBySelector: (isBySelector: boolean) => void;
  readonly setOn: (on: string) => void;
  readonly setStrategy: (strategy: StrategyValues) => void;
  readonly setReason: (reason: string) => void;
  readonly setStartWithinMs: (ms: number) => void;
  /** The form as it stands; null while it does not fit. */
  readonly request: Wanted | null;
  readonly plan: PlanState;
  readonly planRun: RunDetail | undefined;
  /** Shows what does not fit yet. */
  readonly check: () => void;
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

/** Binds the run to the plan that was seen. */
const confirmationOf = (hash: string | null, run: string | undefined): Pick<RunRequest, 'planHash' | 'confirms'> => {
  if (hash !== null) return { planHash: hash };
  return run === undefined ? {} : { confirms: { run } };
};

type Where = Pick<
  RunActionModel,
  'nodes' | 'nodesProblem' | 'isBySelector' | 'on' | 'setNodes' | 'setBySelector' | 'setOn'
> & { readonly choice: Pick<RunRequest, 'nodes' | 'on'> | null };

/** Which nodes, in the address: a link to it means the same. */
function useWhere(isChecked: boolean): Where {
  const [search, setSearch] = useSearchState();
  const on = search['on'] ?? '';
  const [isBySelector, setBySelector] = useState(on !== '');
  const nodes = useMemo(() => (search['node'] ?? '').split(',').filter((id) => id !== ''), [search]);
  const setNodes = useCallback((ids: readonly string[]) => setSearch({ node: ids.join(',') }), [setSearch]);
  const setOn = useCallback((text: string) => setSearch({ on: text }), [setSearch]);
  const choice = useMemo(() => {
    if (isBySelector) return on !== '' && parseSelector(on).ok ? { on } : null;
    return nodes.length > 0 ? { nodes: [...nodes] } : null;
  }, [isBySelector, on, nodes]);
  const isMissing = isBySelector ? on === '' : nodes.length === 0;
  const nodesProblem = isChecked && isMissing ? texts.runAction.nodesNone : null;
  return { nodes, nodesProblem, isBySelector, on, setNodes, setBySelector, setOn, choice };
}

/** Form, nodes, plan and confirmation of one action, as one model that the parts of the page show. */
export function useRunAction(action: ActionRow, onStarted: (runId: string) => void): RunActionModel {
  const { api } = useServices();
  const [search] = useSearchState();
  const fields = useMemo(() => fieldsOf(action.args, action.filledIn), [action]);
  const [values, setValues] = useState<FormValues>(() => initialValues(fields, action.args, givenArgs(search['args'])));
  const [isChecked, setIsChecked] = useState(false);
  const [reason, setReason] = useState('');
  const [strategy, setStrategy] = useState(SAFE_STRATEGY);
  const [startWithinMs, setStartWithinMs] = useState(DEFAULT_START_MS);
  const [runKey, setRunKey] = useState(() => newRunKey(browserRandom));

  const parsed = useMemo(() => parseForm(fields, values), [fields, values]);
  const where = useWhere(isChecked);
  const { choice } = where;
  const request = useMemo<Wanted | null>(
    () => (parsed.ok && choice !== null ? { action: action.name, args: parsed.args, ...choice } : null),
    [parsed, choice, action],
  );

  const planning = useMutation({
    mutationFn: async (wanted: Wanted) => ({ wanted, run: await api.startRun({ ...wanted, mode: 'plan' }) }),
    onSuccess: () => setRunKey(newRunKey(browserRandom)),
  });
  const planned = planning.data;
  const planRun = useRun(planned?.run.id ?? '', { enabled: planned !== undefined });
  const merged = useMergedPlan(planRun.data);
  const plan = planState({
    isSending: planning.isPending,
    error: planning.error ?? planRun.error ?? merged.error,
    planned: planned?.wanted,
    run: planRun.data,
    merged: merged.data,
    request,
  });

  const parsedStrategy = parseStrategyValues(strategy);
  const isMany = where.isBySelector || where.nodes.length > 1;
  const applying = useMutation({
    mutationFn: async (wanted: Wanted) => {
      const trimmed = reason.trim();
      return api.startRun({
        ...wanted,
        mode: 'apply',
        startWithinMs,
        idempotencyKey: runKey,
        ...(parsedStrategy.ok && isMany && parsedStrategy.strategy !== undefined
          ? { strategy: parsedStrategy.strategy }
          : {}),
        ...(plan.kind === 'ready' ? confirmationOf(plan.hash, planned?.run.id) : {}),
        ...(trimmed === '' ? {} : { reason: trimmed }),
      });
    },
    onSuccess: (run) => onStarted(run.id),
  });

  const withRequest = (next: (wanted: Wanted) => void) => (): void => {
    setIsChecked(true);
    if (request !== null && (!isMany || parsedStrategy.ok)) next(request);
  };
  return {
    fields,
    values,
    problems: isChecked && !parsed.ok ? parsed.problems : {},
    ...where,
    strategy,
    setStrategy,
    reason,
    startWithinMs,
    setValues,
    setReason,
    setStartWithinMs,
    request,
    plan,
    planRun: planRun.data,
    check: () => setIsChecked(true),
    makePlan: withRequest((wanted) => planning.mutate(wanted)),
    apply: withRequest((wanted) => applying.mutate(wanted)),
    isApplying: applying.isPending,
    applyError: applying.error,
  };
}
