import type { Plan, PlannedChange, RunDetail, RunRow, RunState, RunTarget } from '@hauban/shared/api';
import type { Moment } from './open-orders.ts';
import { MOST_TARGETS, type TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';

/**
 * Rows as the API shows them. Plan, verification and data come from the node's receipt: JSON that anybody on that
 * node may have written. Here each part gets the shape that the API promises, and nothing more is believed.
 */
const MOST_CHANGES = 2_000;
const MOST_NOTES = 200;

type Json = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asTextOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const asList = (value: unknown, most: number): readonly unknown[] => (Array.isArray(value) ? value.slice(0, most) : []);

function toChange(value: unknown): PlannedChange {
  const { kind, title, before, after } = asObject(value);
  return { kind: asText(kind), title: asText(title), before: asTextOrNull(before), after: asTextOrNull(after) };
}

/** Null when the node made none, or none of this form. */
export function toPlan(value: unknown): Plan | null {
  const { hash, changes, notes } = asObject(value);
  if (typeof hash !== 'string' || !Array.isArray(changes)) return null;
  return { hash, changes: asList(changes, MOST_CHANGES).map(toChange), notes: asList(notes, MOST_NOTES).map(asText) };
}

function toVerification(value: unknown): RunTarget['verification'] {
  return asList(value, 100).map((entry) => {
    const { name, ok, saw } = asObject(entry);
    return { name: asText(name), ok: ok === 1 || ok === true, saw: asText(saw) };
  });
}

/** @param moment how far an open order came since its state was last stored */
export function toRunTarget(target: TargetRecord, hostName: string, moment: Moment | null): RunTarget {
  const now = target.finishedAt === null ? moment : null;
  return {
    orderId: target.orderId,
    nodeId: target.nodeId,
    hostName,
    state: now?.state ?? target.state,
    position: target.position,
    wave: target.wave,
    harm: target.harm,
    undoes: target.undoes,
    code: target.code,
    detail: target.detail,
    step: now?.step ?? null,
    stepDone: now?.stepDone ?? 0,
    stepTotal: now?.stepTotal ?? 0,
    ...((now?.output ?? '') === '' ? {} : { output: now?.output ?? '' }),
    plan: toPlan(target.plan),
    verification: toVerification(target.verification),
    data: target.data,
    startedAt: target.startedAt ?? now?.startedAt ?? null,
    finishedAt: target.finishedAt,
  };
}

const stateOf = ({ state, finishedAt }: RunRecord): RunState =>
  finishedAt !== null && (state === 'running' || state === 'paused') ? 'finished' : state;

export function toRunRow(run: RunRecord, counts: Readonly<Record<string, number>>): RunRow {
  const { id, action, mode, args, requester, reason, createdAt, finishedAt } = run;
  return {
    id,
    action,
    mode,
    args,
    steps: run.steps.map((step) => ({ action: step.action, args: { ...step.args } })),
    on: run.selector,
    requester,
    reason,
    state: stateOf(run),
    says: run.says,
    rollout: run.rollout ?? null,
    wave: run.wave,
    nodeCount: run.nodeCount,
    retryOf: run.retryOf,
    supersedeKey: run.supersedeKey,
    createdAt,
    finishedAt,
    counts: { ...counts },
  };
}

/** The state under which an order is counted. */
const countedAs = ({ state, harm, undoes }: RunTarget): string =>
  undoes !== null ? `undo-${state}` : harm === null ? state : 'harmed';

/** @param counts of all of its orders, when `targets` are only some */
export function toRunDetail(
  run: RunRecord,
  targets: readonly RunTarget[],
  counts?: Readonly<Record<string, number>>,
): RunDetail {
  const counted: Record<string, number> = {};
  for (const target of targets) counted[countedAs(target)] = (counted[countedAs(target)] ?? 0) + 1;
  return { ...toRunRow(run, counts ?? counted), targets: targets.slice(0, MOST_TARGETS) };
}
