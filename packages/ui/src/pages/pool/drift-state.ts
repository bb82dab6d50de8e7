import type { DriftRow, PoolWorkRow } from '@hauban/shared/api';
import type { Tone } from '../../parts/mark.tsx';

/** A difference as people speak of it. */
export type DriftState = 'differs' | 'blocked' | 'adopted';

export const driftState = ({ state, adoptedAt }: DriftRow): DriftState => (adoptedAt === null ? state : 'adopted');

export const DRIFT_TONES: Readonly<Record<DriftState, Tone>> = { differs: 'warn', blocked: 'bad', adopted: 'idle' };

export interface DriftFilter {
  /** Empty: every node. */
  readonly nodeId: string;
  readonly state: 'open' | DriftState | 'all';
  readonly text: string;
}

/** Is it shown? */
export function fitsDrift(row: DriftRow, { nodeId, state, text }: DriftFilter): boolean {
  const is = driftState(row);
  if (nodeId !== '' && row.nodeId !== nodeId) return false;
  if (state === 'open' ? is === 'adopted' : state !== 'all' && is !== state) return false;
  return `${row.hostName} ${row.action} ${row.key} ${row.says}`.toLowerCase().includes(text.trim().toLowerCase());
}

/** Why the newest try to put it right did not; null: there was none that failed since it was seen first. */
export function lastFailure(row: DriftRow, works: readonly PoolWorkRow[]): string | null {
  const tries = works.filter(
    ({ nodeId, kind, finishedAt }) => nodeId === row.nodeId && kind !== 'compare' && finishedAt !== null,
  );
  const newest = tries.toSorted((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0))[0];
  if (newest === undefined || (newest.finishedAt ?? 0) < row.since) return null;
  return newest.failed.find(({ itemId }) => itemId === row.itemId)?.says ?? null;
}
