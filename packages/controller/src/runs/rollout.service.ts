/**
 * Runs in waves. All that decides is in the rows of the run: each step locks the run, counts, asks the one pure decision
 * what is next and does it in the same transaction. So any controller goes on where another died, two that look at the same
 * moment do not release twice, and a restart loses nothing. The ticker only makes the steps happen; an ended order makes
 * the next one happen sooner.
 */
import type { Timer } from '@hauban/shared/time';
import type { Tx } from '../db/transaction.ts';
import { createReleaseWave } from './release-wave.ts';
import { decideRollout, type RolloutDecision, type RolloutFacts, type Unhealthy } from './rollout-decision.ts';
import type { RolloutParts } from './rollout-parts.ts';
import type { RunRecord } from './runs.repository.ts';
import { createStopRun } from './stop-run.ts';
import { createUndoRun } from './undo-run.ts';

export interface RolloutService {
  start(): void;
  /** Fulfilled when a step that is under way has ended. */
  stop(): Promise<void>;
  /** Looks at every run in waves and does what is due. */
  tick(): Promise<void>;
}

const TICK_MS = 1_000;
const RUNS_AT_ONCE = 1_000;
/** Ends of orders come in crowds: one look for all of them. */
const KICK_MS = 20;
/** Steps of one run in a row: a bound, should a decision lead nowhere. */
const STEPS_AT_ONCE = 20;

const GONE = 'Stopped: the person who asked for it has left.';
const BROKEN_OFF = 'Not started: the step before it on this node did not succeed.';

/** Nodes of the wave that are not as well as before it. */
function createLook({ rollouts, health }: RolloutParts) {
  return async (tx: Tx, run: RunRecord, lastPosition: number): Promise<Unhealthy[]> => {
    const done = await rollouts.doneIn(tx, { runId: run.id, wave: run.wave, lastPosition });
    const now = await health(done.map(({ nodeId }) => nodeId));
    return done.flatMap(({ orderId, nodeId, failedUnits }) => {
      const node = now.get(nodeId);
      if (node === undefined || !node.isOnline) return [{ orderId, nodeId, why: 'the node went offline' }];
      const more = (node.failedUnits ?? 0) - (failedUnits ?? node.failedUnits ?? 0);
      return more > 0 ? [{ orderId, nodeId, why: `${more} more failed ${more === 1 ? 'unit' : 'units'}` }] : [];
    });
  };
}

/** One step of one run. True: there may be another one at once. */
function createAdvance(parts: RolloutParts) {
  const { rollouts, runs, events, audit, clock } = parts;
  const release = createReleaseWave(parts);
  const stopRun = createStopRun(parts);
  const undo = createUndoRun(parts);
  const look = createLook(parts);

  const stop = async (tx: Tx, run: RunRecord, why: string): Promise<boolean> => {
    await stopRun(tx, run, { state: 'stopped', why, who: 'system', address: null, audit: 'A3005W' });
    return true;
  };

  const say = async (tx: Tx, run: RunRecord, says: string | null): Promise<void> => {
    if (run.says === says) return;
    await rollouts.set(tx, run.id, { says });
    tx.afterCommit(() => events.runChanged(run.id));
  };

  const carryOut = async (tx: Tx, run: RunRecord, decision: RolloutDecision): Promise<boolean> => {
    switch (decision.kind) {
      case 'idle':
        await say(tx, run, decision.says);
        return false;
      case 'look':
        return false;
      case 'release': {
        const released = await release(tx, run, decision.most);
        if (released.kind === 'gone') return stop(tx, run, GONE);
        await say(tx, run, released.says);
        if (released.orders > 0) tx.afterCommit(() => parts.signing.wake());
        // Of those that were refused, others may take the place.
        return released.orders > 0;
      }
      case 'wave-ended':
        await rollouts.set(tx, run.id, { waveEndedAt: clock.nowMs() });
        return true;
      case 'harmed':
        await rollouts.setHarm(tx, decision.unhealthy);
        for (const { orderId, nodeId, why } of decision.unhealthy)
          audit.record(tx, { code: 'A3017W', who: 'system', nodeId, orderId, detail: { runId: run.id, why } });
        return true;
      case 'next-wave':
        await rollouts.set(tx, run.id, { wave: run.wave + 1, waveEndedAt: null, says: null });
        audit.record(tx, { code: 'A3004I', who: 'system', detail: { runId: run.id, wave: run.wave + 1 } });
        tx.afterCommit(() => events.runChanged(run.id));
        return true;
      case 'stop':
        return stop(tx, run, decision.why);
    }
  };

  return async (tx: Tx, runId: string): Promise<boolean> => {
    const run = await rollouts.tryLock(tx, runId);
    if (run === null || run.rollout === null) return false;
    if (run.isUndoing) {
      await undo(tx, run);
      tx.afterCommit(() => parts.signing.wake());
      return false;
    }
    if (run.state === 'stopped' || run.state === 'cancelled') return false;
    const lastPosition = Math.max(0, run.steps.length - 1);
    if (lastPosition > 0) {
      const end = { state: 'cancelled', code: null, detail: BROKEN_OFF, finishedAt: clock.nowMs() } as const;
      const broken = await rollouts.endBroken(tx, run.id, end);
      // The others of that sequence follow in the next step.
      if (broken > 0) {
        runs.closeTargets(tx, run.id, broken, clock.nowMs());
        tx.afterCommit(() => events.runFinished(run.id));
        return true;
      }
    }
    const facts: RolloutFacts = {
      rollout: run.rollout,
      isPaused: run.state === 'paused',
      needsPeople: run.needsApproval && run.approval === null,
      wave: run.wave,
      waveEndedAt: run.waveEndedAt,
      tallies: await rollouts.tallyOf(tx, run.id, lastPosition),
      unhealthy: null,
      now: clock.nowMs(),
    };
    const decision = decideRollout(facts);
    if (decision.kind !== 'look') return carryOut(tx, run, decision);
    return carryOut(tx, run, decideRollout({ ...facts, unhealthy: await look(tx, run, lastPosition) }));
  };
}

export function createRolloutService(parts: RolloutParts): RolloutService {
  const { rollouts, events, transaction, signing, clock, log } = parts;
  const advance = createAdvance(parts);
  /** Runs in waves as far as this controller has heard: whether the end of an order may matter. Not what decides. */
  let rolling: Set<string> = new Set<string>();
  const kicked = new Set<string>();
  let kick: Timer | null = null;
  let timer: Timer | null = null;
  let running: Promise<void> = Promise.resolve();

  const goOn = async (runId: string): Promise<void> => {
    for (let step = 0; step < STEPS_AT_ONCE; step += 1) if (!(await transaction((tx) => advance(tx, runId)))) break;
  };

  const lookAt = async (runIds: readonly string[]): Promise<void> => {
    for (const runId of runIds) {
      try {
        await goOn(runId);
      } catch (error) {
        // Its rows are as they were; the next tick tries again.
        log.warn({ err: error, runId }, 'a run in waves could not go on');
      }
    }
    if (runIds.length > 0) await signing.work();
  };

  /** One look after another: they would wait for each other's locks. */
  const inLine = async (work: () => Promise<void>): Promise<void> => {
    running = running.then(work, work);
    await running;
  };

  const tick = async (): Promise<void> =>
    inLine(async () => {
      const ids = await rollouts.rolling(RUNS_AT_ONCE);
      rolling = new Set(ids);
      await lookAt(ids);
    });

  const quietly = (work: Promise<void>): void => {
    work.catch((error: unknown) => log.warn({ err: error }, 'runs in waves could not be looked at'));
  };

  const takeKicked = async (): Promise<void> => {
    const ids = [...kicked];
    kicked.clear();
    await lookAt(ids);
  };

  let forget: (() => void) | null = null;
  let isTicking = false;
  return {
    tick,
    start: () => {
      forget = events.onMove((runId, isRolling) => {
        if (isRolling) rolling.add(runId);
        if (!rolling.has(runId)) return;
        kicked.add(runId);
        kick ??= clock.after(KICK_MS, () => {
          kick = null;
          quietly(inLine(takeKicked));
        });
      });
      timer = clock.every(TICK_MS, () => {
        if (isTicking) return;
        isTicking = true;
        quietly(tick().finally(() => (isTicking = false)));
      });
    },
    stop: async () => {
      forget?.();
      timer?.cancel();
      kick?.cancel();
      // Whoever asked for this step has heard of its failure (the ticker logs it); here only its end matters.
      await running.catch(() => undefined);
    },
  };
}
