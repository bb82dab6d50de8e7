import { countOf } from '@hauban/shared/actions';
import type { Rollout } from '@hauban/shared/api';

/** Nodes of a wave by how far they are. Of a sequence, a node is `done` with its last step. */
export interface WaveTally {
  readonly wave: number;
  /** Orders that are not made yet. */
  readonly waiting: number;
  /** Orders that are made and have not ended. */
  readonly inFlight: number;
  readonly done: number;
  /** Failed, refused, undetermined, or unhealthy after success. */
  readonly failed: number;
}

export interface Unhealthy {
  readonly orderId: string;
  readonly nodeId: string;
  readonly why: string;
}

export interface RolloutFacts {
  readonly rollout: Rollout;
  readonly isPaused: boolean;
  /** People have not spoken yet. */
  readonly needsPeople: boolean;
  readonly wave: number;
  readonly waveEndedAt: number | null;
  readonly tallies: readonly WaveTally[];
  /** Nodes of this wave that are not well; null: nobody has looked. */
  readonly unhealthy: readonly Unhealthy[] | null;
  readonly now: number;
}

/**
 * What happens next to a run in waves.
 *
 *   release ──orders end──> wave-ended ──pause, health──> next-wave ──> release ...        too many failures: stop
 */
export type RolloutDecision =
  | { readonly kind: 'idle'; readonly says: string | null }
  /** Make at most so many orders of the waves that have begun. */
  | { readonly kind: 'release'; readonly most: number }
  | { readonly kind: 'wave-ended' }
  /** Ask how the nodes of this wave are, and decide again. */
  | { readonly kind: 'look' }
  /** They stayed unhealthy: that counts as failures. */
  | { readonly kind: 'harmed'; readonly unhealthy: readonly Unhealthy[] }
  | { readonly kind: 'next-wave' }
  | { readonly kind: 'stop'; readonly why: string };

/** A node that restarts a service is unhealthy for a moment: this long, beyond the pause, it may get well. */
const RECOVERY_MS = 60_000;

const idle = (says: string | null = null): RolloutDecision => ({ kind: 'idle', says });

/** Counted against the threshold: what went wrong on nodes, not what never reached one. */
function thresholdReached({ rollout, wave, tallies }: RolloutFacts): RolloutDecision | null {
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  const isCanary = rollout.hasCanary && wave === 0;
  const limit = isCanary ? rollout.stopAfterInCanary : rollout.stopAfter;
  if (failed < limit) return null;
  const where = isCanary ? ' of the canary' : '';
  return { kind: 'stop', why: `Stopped: ${countOf(failed, 'node')}${where} failed; the limit is ${limit}.` };
}

/** Between two waves: a pause, then a look at the nodes. */
function betweenWaves(facts: RolloutFacts, ended: WaveTally): RolloutDecision {
  const { rollout, wave, waveEndedAt, unhealthy, now } = facts;
  if (waveEndedAt === null) return { kind: 'wave-ended' };
  if (rollout.hasCanary && wave === 0 && ended.done === 0)
    return {
      kind: 'stop',
      why: 'Stopped: no node of the canary carried it out, so nothing is known about the others.',
    };
  const pauseEnd = waveEndedAt + rollout.pauseMs;
  if (now < pauseEnd) return idle(`Pauses before wave ${wave + 2} of ${rollout.waves.length}.`);
  if (!rollout.healthGate) return { kind: 'next-wave' };
  if (unhealthy === null) return { kind: 'look' };
  if (unhealthy.length === 0) return { kind: 'next-wave' };
  if (now < pauseEnd + RECOVERY_MS)
    return idle(`Waits for ${countOf(unhealthy.length, 'node')} to get well: ${unhealthy[0]?.why ?? ''}`);
  return { kind: 'harmed', unhealthy };
}

/** The one decision of a run in waves. Pure: what is stored and the time decide, so any controller decides the same. */
export function decideRollout(facts: RolloutFacts): RolloutDecision {
  const { rollout, wave, tallies } = facts;
  if (facts.needsPeople) return idle();
  const stop = thresholdReached(facts);
  if (stop !== null) return stop;
  if (facts.isPaused) return idle('Paused.');
  const begun = tallies.filter((tally) => tally.wave <= wave);
  const waiting = begun.reduce((sum, tally) => sum + tally.waiting, 0);
  const inFlight = begun.reduce((sum, tally) => sum + tally.inFlight, 0);
  if (waiting > 0 && inFlight < rollout.maxInFlight) return { kind: 'release', most: rollout.maxInFlight - inFlight };
  if (waiting > 0 || inFlight > 0) return idle();
  if (!tallies.some((tally) => tally.wave > wave && tally.waiting > 0)) return idle();
  const ended = tallies.find((tally) => tally.wave === wave) ?? { wave, waiting: 0, inFlight: 0, done: 0, failed: 0 };
  return betweenWaves(facts, ended);
}
