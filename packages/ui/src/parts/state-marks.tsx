import type { AuditRow, NodeState, RunRow, SessionState, TargetState, ActionRow, SessionRow } from '@hauban/shared/api';
import { texts } from '../texts/index.ts';
import { Mark, type Tone } from './mark.tsx';

/** What each state of the contract looks like. A state that this page does not know yet is shown by its own name. */
const NODE: Record<NodeState, readonly [Tone, string, string]> = {
  up: ['ok', texts.nodeState.up, texts.nodeState.upHint],
  down: ['bad', texts.nodeState.down, texts.nodeState.downHint],
  'never-seen': ['idle', texts.nodeState['never-seen'], texts.nodeState.neverHint],
  revoked: ['warn', texts.nodeState.revoked, texts.nodeState.revokedHint],
  locked: ['bad', texts.nodeState.locked, texts.nodeState.lockedHint],
};

export function NodeStateMark({ state, isBoxed = false }: { readonly state: NodeState; readonly isBoxed?: boolean }) {
  const [tone, word, hint] = NODE[state] ?? ['idle', state, ''];
  return <Mark tone={tone} word={word} hint={hint} isBoxed={isBoxed} />;
}

export const TARGET_TONES: Record<TargetState, Tone> = {
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

const isTargetState = (state: string): state is TargetState => Object.hasOwn(TARGET_TONES, state);

export function TargetStateMark({ state, isBoxed = false }: { readonly state: string; readonly isBoxed?: boolean }) {
  if (!isTargetState(state)) return <Mark tone="idle" word={state} isBoxed={isBoxed} />;
  return (
    <Mark tone={TARGET_TONES[state]} word={texts.targetState[state]} hint={texts.targetHint[state]} isBoxed={isBoxed} />
  );
}

/** Counts of a run by state, worst first. */
const WORST_FIRST: readonly TargetState[] = [
  'undetermined',
  'failed',
  'refused',
  'expired',
  'started',
  'delivered',
  'leased',
  'queued',
  'waiting',
  'cancelled',
  'superseded',
  'succeeded',
  'unchanged',
];

export function RunCounts({ counts }: { readonly counts: RunRow['counts'] }) {
  const known = WORST_FIRST.filter((state) => (counts[state] ?? 0) > 0);
  const total = known.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return (
    <span className="hb-chips">
      {known.map((state) => (
        <Mark
          key={state}
          tone={TARGET_TONES[state]}
          word={
            total === 1 ? texts.targetState[state] : texts.runs.counts(counts[state] ?? 0, texts.targetState[state])
          }
          hint={texts.targetHint[state]}
        />
      ))}
    </span>
  );
}

const RISK: Record<ActionRow['risk'], Tone> = { low: 'ok', medium: 'warn', high: 'bad' };

export function RiskMark({ risk }: { readonly risk: ActionRow['risk'] }) {
  return <Mark tone={RISK[risk]} word={texts.risk[risk]} />;
}

const OUTCOME: Record<AuditRow['outcome'], Tone> = { ok: 'ok', refused: 'warn', failed: 'bad' };

export function OutcomeMark({ outcome }: { readonly outcome: AuditRow['outcome'] }) {
  return <Mark tone={OUTCOME[outcome]} word={texts.audit.outcomes[outcome]} />;
}

const SESSION: Record<SessionState, Tone> = { requested: 'busy', open: 'ok', ended: 'idle', refused: 'warn' };

export function SessionStateMark({ state }: { readonly state: SessionState }) {
  return <Mark tone={SESSION[state]} word={texts.sessions.states[state]} />;
}

const RECORDING: Record<SessionRow['recording'], Tone> = {
  recording: 'busy',
  complete: 'ok',
  broken: 'bad',
  none: 'idle',
};

export function RecordingMark({ recording }: { readonly recording: SessionRow['recording'] }) {
  return (
    <Mark
      tone={RECORDING[recording]}
      word={texts.sessions.recording[recording]}
      hint={texts.sessions.recordingHint[recording]}
    />
  );
}
