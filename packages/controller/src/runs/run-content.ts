import { canonicalJson } from '@hauban/link';
import type { ActionDefinition } from '@hauban/shared/actions';
import { rolloutAtOnce, rolloutOf, type Rollout, type RunRequest, type RunStep } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { StoredStep } from './runs.repository.ts';

type Args = Readonly<Record<string, unknown>>;

/** What a run does, checked: its steps with arguments as they will be signed. */
export interface RunContent {
  readonly steps: readonly StoredStep[];
  readonly isHighRisk: boolean;
  readonly readsOnly: boolean;
}

export interface ContentActions {
  find(name: string): Promise<ActionDefinition>;
  prepare(action: ActionDefinition, args: Args): Promise<Args>;
}

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);

/** Waves that have not begun by then never do. */
export const ROLLOUT_LIFE_MS = 7 * 24 * 3_600_000;

/** Orders of one run: more are more than a person can have meant. */
const MOST_ORDERS = 50_000;

/** The steps that a request asks for, in either form. */
function stepsOf({ action, args, steps }: RunRequest): readonly RunStep[] {
  if (steps === undefined && action !== undefined) return [{ action, args: args ?? {} }];
  if (steps !== undefined && action === undefined && args === undefined) return steps;
  throw bad('Say what to do: either action and args, or steps.');
}

/** ACTION_UNKNOWN and ACTION_ARGUMENTS say which step, when there are more than one. */
export async function parseContent(request: RunRequest, actions: ContentActions): Promise<RunContent> {
  const prepared: { readonly stored: StoredStep; readonly definition: ActionDefinition }[] = [];
  for (const { action, args } of stepsOf(request)) {
    const definition = await actions.find(action);
    const { name, version } = definition;
    const stored = { action: name, actionVersion: version, args: await actions.prepare(definition, args) };
    prepared.push({ stored, definition });
  }
  return {
    steps: prepared.map(({ stored }) => stored),
    isHighRisk: prepared.some(({ definition }) => definition.risk === 'high'),
    readsOnly: prepared.every(({ definition }) => definition.readOnly),
  };
}

/** What the shapes cannot say. */
export function checkRequest(request: RunRequest, nodeIds: readonly string[]): void {
  const steps = request.steps?.length ?? 1;
  if (nodeIds.length === 0) throw bad('Say on which nodes: nodes or on.');
  if (nodeIds.length * steps > MOST_ORDERS)
    throw bad(`This makes ${nodeIds.length * steps} orders; a run has ${MOST_ORDERS} at most: make more runs of it.`);
  if (request.planHash !== undefined && (request.mode !== 'apply' || nodeIds.length !== 1))
    throw bad('planHash confirms the plan of one node: give it with mode apply and one node.');
  if (request.confirms !== undefined && (request.mode !== 'apply' || request.planHash !== undefined))
    throw bad('confirms names the plans of many nodes: give it with mode apply and without planHash.');
  if (steps > 1 && (request.planHash !== undefined || request.confirms !== undefined))
    throw bad('A plan can be confirmed for one action only: what a later step changes depends on the one before it.');
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(request.reason ?? '')) throw bad('reason is one line of text.');
}

/** Null: every order at once, as one statement. Waves are for changes on more than one node, and for who asks for them. */
export function rolloutFor(
  { mode, strategy }: Pick<RunRequest, 'mode' | 'strategy'>,
  { steps, readsOnly }: RunContent,
  nodeCount: number,
): Rollout | null {
  if (typeof strategy === 'object') return rolloutOf(strategy, nodeCount);
  const isSafeAtOnce = strategy === 'at-once' || nodeCount === 1 || mode === 'plan' || readsOnly;
  if (!isSafeAtOnce) return rolloutOf({}, nodeCount);
  return steps.length > 1 ? rolloutAtOnce(nodeCount) : null;
}

/** What makes two requests with one idempotency key the same. A selector counts as it was written. */
export function contentText(
  request: RunRequest,
  { steps }: RunContent,
  nodeIds: readonly string[],
  retryOf: string | null,
): string {
  const [first] = steps;
  const where = request.on === undefined ? { nodeIds: [...nodeIds] } : { on: request.on };
  return canonicalJson({
    action: first?.action ?? '',
    args: first?.args ?? {},
    steps: steps.length > 1 ? steps : [],
    mode: request.mode,
    planHash: request.planHash ?? null,
    confirms: request.confirms ?? null,
    strategy: request.strategy ?? null,
    supersedeKey: request.supersedeKey ?? null,
    reason: request.reason ?? null,
    retryOf,
    ...(request.overrideWindows === true ? { overrideWindows: true } : {}),
    ...where,
  });
}
