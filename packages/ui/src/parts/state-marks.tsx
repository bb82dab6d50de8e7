import type { ActionRow, AuditRow, NodeState, RunRow, RunState, SessionRow, SessionState } from '@hauban/shared/api';
import { texts } from '../texts/index.ts';
import { Mark, type Tone } from './mark.tsx';
import { byWorst, lookOf } from './order-look.ts';

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

export function TargetStateMark({ state, isBoxed = false }: { readonly state: string; readonly isBoxed?: boolean }) {
  const { tone, word, hint } = lookOf(state);
  return <Mark tone={tone} word={word} hint={hint} isBoxed={isBoxed} />;
}

/** Counts of a run by state, worst first. */
export function RunCounts({ counts }: { readonly counts: RunRow['counts'] }) {
  const known = byWorst(Object.keys(counts)).filter((state) => (counts[state] ?? 0) > 0);
  const total = known.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return (
    <span className="hb-counts">
      {known.map((state) => {
        const { tone, word, hint } = lookOf(state);
        const text = total === 1 ? word : texts.runs.counts(counts[state] ?? 0, word);
        return <Mark key={state} tone={tone} word={text} hint={hint} />;
      })}
    </span>
  );
}

const RUN: Record<RunState, Tone> = {
  running: 'busy',
  paused: 'idle',
  stopped: 'bad',
  cancelled: 'idle',
  finished: 'idle',
};

/** Finished says nothing about how well: the counts beside it do. */
export function RunStateMark({ run }: { readonly run: Pick<RunRow, 'state' | 'finishedAt'> }) {
  const tone = run.finishedAt === null && run.state !== 'paused' ? 'busy' : RUN[run.state];
  return <Mark tone={tone} word={texts.runs.states[run.state]} isBoxed />;
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
