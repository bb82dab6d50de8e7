import type { RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Tx } from '../db/transaction.ts';
import type { RunContent } from './run-content.ts';

/** What the maintenance windows of a node say now. */
export interface WindowVerdict {
  /** From when it may be changed, Unix ms: now, later, or never (null). */
  readonly openFrom: number | null;
  /** Until when, if it may now; null: no end is known. */
  readonly openUntil: number | null;
  /** What it waits for and until when, in one sentence. */
  readonly says: string;
}

/** Verdicts by node; a node that no window binds is left out. */
export type JudgeWindows = (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, WindowVerdict>>;

export interface Windows {
  /** Null: there are no windows. Within a transaction nobody changes one before its end. */
  read(tx: Tx | null): Promise<JudgeWindows | null>;
}

/** Plans and what only reads are free; a person may override the windows with a reason. */
export function windowRuleOf(
  { mode, overrideWindows, reason = '' }: RunRequest,
  { readsOnly }: RunContent,
): 'free' | 'bound' | 'override' {
  if (overrideWindows === true && reason.trim() === '')
    throw new HaubanError('BAD_REQUEST', 'Say in reason why the maintenance windows are not waited for.');
  if (mode === 'plan' || readsOnly) return 'free';
  return overrideWindows === true ? 'override' : 'bound';
}

/** WINDOW_CLOSED when it would have expired before one of its nodes may be changed. */
export function checkOpensInTime(verdicts: ReadonlyMap<string, WindowVerdict>, expiresAt: number): void {
  for (const { openFrom, says } of verdicts.values())
    if (openFrom === null || openFrom >= expiresAt)
      throw new HaubanError('WINDOW_CLOSED', `${says} This run would have expired by then.`);
}

/** Of these nodes, those that may not be changed now, with the sentence that says so. */
export function closedOf(verdicts: ReadonlyMap<string, WindowVerdict>, now: number): ReadonlyMap<string, string> {
  const closed = [...verdicts].filter(([, { openFrom }]) => openFrom === null || openFrom > now);
  return new Map(closed.map(([nodeId, { says }]) => [nodeId, says]));
}

/** Nodes by the sentence that holds them. */
export function bySentence(closed: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const nodes = new Map<string, string[]>();
  for (const [nodeId, says] of closed) {
    const known = nodes.get(says);
    if (known === undefined) nodes.set(says, [nodeId]);
    else known.push(nodeId);
  }
  return nodes;
}
