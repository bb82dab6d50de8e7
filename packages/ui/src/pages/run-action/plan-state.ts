import type { MergedPlan, PlanGroup, RunDetail, RunTarget } from '@hauban/shared/api';
import type { Random } from '@hauban/shared/time';
import { progressOf } from '../../parts/order-look.ts';

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
  | {
      readonly kind: 'ready';
      readonly groups: readonly PlanGroup[];
      /** Nodes that would change something, and those that cannot. */
      readonly able: number;
      readonly unable: number;
      /** Of the one node's plan, to be confirmed; null with several nodes, whose plans are confirmed by their run. */
      readonly hash: string | null;
    }
  /** `only`: the one node that refused, with all that it says. */
  | { readonly kind: 'refused'; readonly groups: readonly PlanGroup[]; readonly only: RunTarget | null };

interface Facts {
  readonly isSending: boolean;
  readonly error: unknown;
  /** What was planned; undefined before the first plan. */
  readonly planned: unknown;
  readonly run: RunDetail | undefined;
  /** Plans of all nodes as one; undefined until it is read. */
  readonly merged: MergedPlan | undefined;
  /** What the form says now. */
  readonly request: unknown;
}

const countOf = (groups: readonly PlanGroup[], kinds: readonly PlanGroup['kind'][]): number =>
  groups.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { count }) => sum + count, 0);

export function planState({ isSending, error, planned, run, merged, request }: Facts): PlanState {
  if (isSending) return { kind: 'planning', ready: 0, total: 0 };
  if (error !== null && error !== undefined) return { kind: 'failed', error };
  if (planned === undefined) return { kind: 'none' };
  if (JSON.stringify(planned) !== JSON.stringify(request)) return { kind: 'stale' };
  if (run === undefined) return { kind: 'planning', ready: 0, total: 0 };
  const { over, total } = progressOf(run.counts);
  if (run.finishedAt === null || merged === undefined) return { kind: 'planning', ready: over, total };
  const { groups } = merged;
  const [only] = groups;
  if (groups.every(({ plan }) => plan === null))
    return { kind: 'refused', groups, only: run.nodeCount === 1 ? (run.targets[0] ?? null) : null };
  return {
    kind: 'ready',
    groups,
    able: countOf(groups, ['changes']),
    unable: countOf(groups, ['refused', 'failed', 'pending']),
    hash: run.nodeCount === 1 ? (only?.hash ?? null) : null,
  };
}

/** Key under which a press of the button is the same run however often it is sent. 32 hex digits. */
export function newRunKey(random: Random): string {
  return [...random.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
