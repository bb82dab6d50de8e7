import type { Plan, RunDetail, RunTarget } from '@hauban/shared/api';
import type { Random } from '@hauban/shared/time';
import { isUnderWay } from '../../parts/target-state.ts';

/**
 * Where the plan stands.
 *
 *   none -> planning -> ready | refused      failed: the controller did not take it; stale: the form was changed since
 */
export type PlanState =
  | { readonly kind: 'none' }
  | { readonly kind: 'planning'; readonly ready: number; readonly total: number }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'stale' }
  /** `hash`: of the one node's plan, to be confirmed; null with several nodes. */
  | {
      readonly kind: 'ready';
      readonly groups: readonly PlanGroup[];
      readonly others: readonly RunTarget[];
      readonly hash: string | null;
      readonly hasWork: boolean;
    }
  | { readonly kind: 'refused'; readonly others: readonly RunTarget[] };

/** Nodes that made the same plan. */
export interface PlanGroup {
  readonly plan: Plan;
  readonly targets: readonly RunTarget[];
}

function groupPlans(targets: readonly RunTarget[]): PlanGroup[] {
  const groups = new Map<string, { plan: Plan; targets: RunTarget[] }>();
  for (const target of targets) {
    if (target.plan === null || !hasPlanned(target)) continue;
    const group = groups.get(target.plan.hash) ?? { plan: target.plan, targets: [] };
    group.targets.push(target);
    groups.set(target.plan.hash, group);
  }
  return [...groups.values()];
}

const hasPlanned = (target: RunTarget): boolean => target.state === 'succeeded' || target.state === 'unchanged';

interface Facts {
  readonly isSending: boolean;
  readonly error: unknown;
  /** What was planned; undefined before the first plan. */
  readonly planned: unknown;
  readonly run: RunDetail | undefined;
  /** What the form says now. */
  readonly request: unknown;
}

export function planState({ isSending, error, planned, run, request }: Facts): PlanState {
  if (isSending) return { kind: 'planning', ready: 0, total: 0 };
  if (error !== null && error !== undefined) return { kind: 'failed', error };
  if (planned === undefined) return { kind: 'none' };
  if (JSON.stringify(planned) !== JSON.stringify(request)) return { kind: 'stale' };
  if (run === undefined) return { kind: 'planning', ready: 0, total: 0 };
  const ready = run.targets.filter((target) => !isUnderWay(target));
  if (ready.length < run.targets.length) return { kind: 'planning', ready: ready.length, total: run.targets.length };
  const groups = groupPlans(run.targets);
  const others = run.targets.filter((target) => !hasPlanned(target) || target.plan === null);
  if (groups.length === 0) return { kind: 'refused', others };
  const only = run.targets.length === 1 ? (groups[0]?.plan.hash ?? null) : null;
  return { kind: 'ready', groups, others, hash: only, hasWork: groups.some((group) => group.plan.changes.length > 0) };
}

/** Key under which a press of the button is the same run however often it is sent. 32 hex digits. */
export function newRunKey(random: Random): string {
  return [...random.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
