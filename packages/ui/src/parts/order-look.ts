import type { TargetState } from '@hauban/shared/api';
import { texts } from '../texts/index.ts';
import type { Tone } from './mark.tsx';

/** How a state of an order looks, as a run counts it: also `harmed`, and `undo-...` of what was taken back. */
export interface OrderLook {
  readonly tone: Tone;
  readonly word: string;
  readonly hint: string;
}

const TARGET_TONES: Record<TargetState, Tone> = {
  waiting: 'idle',
  queued: 'idle',
  leased: 'busy',
  delivered: 'busy',
  started: 'busy',
  succeeded: 'ok',
  unchanged: 'ok',
  failed: 'bad',
  refused: 'warn',
  expired: 'warn',
  cancelled: 'idle',
  superseded: 'idle',
  undetermined: 'bad',
};

/** Worst first; what is taken back stands beside what it is like. */
const WORST_FIRST: readonly string[] = [
  'undetermined',
  'undo-undetermined',
  'undo-failed',
  'failed',
  'harmed',
  'undo-refused',
  'undo-expired',
  'refused',
  'expired',
  'undo-started',
  'started',
  'undo-delivered',
  'delivered',
  'undo-leased',
  'leased',
  'undo-queued',
  'queued',
  'undo-waiting',
  'waiting',
  'undo-cancelled',
  'cancelled',
  'superseded',
  'undo-succeeded',
  'undo-unchanged',
  'succeeded',
  'unchanged',
];
const UNDO = 'undo-';
const isTargetState = (state: string): state is TargetState => Object.hasOwn(TARGET_TONES, state);

/** A state that this page does not know yet is shown by its own name. */
export function lookOf(state: string): OrderLook {
  if (state === 'harmed') return { tone: 'bad', word: texts.runs.harmed, hint: texts.runs.harmedHint };
  if (state === 'undo-succeeded' || state === 'undo-unchanged')
    return { tone: 'idle', word: texts.runs.undone, hint: texts.runs.undoneHint };
  const plain = state.startsWith(UNDO) ? state.slice(UNDO.length) : state;
  if (!isTargetState(plain)) return { tone: 'idle', word: state, hint: '' };
  const look = { tone: TARGET_TONES[plain], word: texts.targetState[plain], hint: texts.targetHint[plain] };
  return plain === state ? look : { ...look, word: texts.runs.undoing(look.word), hint: texts.runs.undoingHint };
}

/** The states that are counted, worst first; those that this page does not know last. */
export function byWorst(states: readonly string[]): string[] {
  const rank = (state: string): number => {
    const at = WORST_FIRST.indexOf(state);
    return at === -1 ? WORST_FIRST.length : at;
  };
  return states.toSorted((a, b) => rank(a) - rank(b));
}

const OPEN: ReadonlySet<string> = new Set(['waiting', 'queued', 'leased', 'delivered', 'started']);
/** Nothing comes of it any more. */
export const isOver = (state: string): boolean => !OPEN.has(state.startsWith(UNDO) ? state.slice(UNDO.length) : state);

/** Orders that are over, and all of them. */
export function progressOf(counts: Readonly<Record<string, number>>): {
  readonly over: number;
  readonly total: number;
} {
  const sum = (states: readonly string[]): number => states.reduce((all, state) => all + (counts[state] ?? 0), 0);
  const states = Object.keys(counts);
  return { over: sum(states.filter(isOver)), total: sum(states) };
}
