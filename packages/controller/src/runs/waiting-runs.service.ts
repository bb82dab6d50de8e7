import type { Assertion } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Tx } from '../db/transaction.ts';
import type { RunEvents } from './run-events.ts';
import type { RunsRepository } from './runs.repository.ts';
import type { SigningService } from './signing-queue.service.ts';
import type { WaitingRunsRepository } from './waiting-runs.repository.ts';

export interface WaitingRunsParts {
  readonly runs: RunsRepository;
  readonly waiting: WaitingRunsRepository;
  readonly signing: SigningService;
  readonly events: RunEvents;
  readonly clock: Clock;
}

/** Runs whose orders wait for people: what happens to them when the people have spoken, in their transaction. */
export function createWaitingRuns({ runs, waiting, signing, events, clock }: WaitingRunsParts) {
  return {
    approved: async (
      tx: Tx,
      runId: string,
      approval: { readonly targets: string[]; readonly approvals: Assertion[]; readonly by: string[] },
    ): Promise<void> => {
      await waiting.approve(tx, runId, approval);
      tx.afterCommit(() => {
        signing.wake();
        events.rolloutMoved(runId);
        events.runChanged(runId);
      });
    },
    denied: async (tx: Tx, runId: string, why: { readonly code: string; readonly detail: string }): Promise<void> => {
      const finishedAt = clock.nowMs();
      const closed = await waiting.closeUnsigned(tx, runId, { state: 'cancelled', ...why, finishedAt });
      if (closed > 0) runs.closeTargets(tx, runId, closed, finishedAt);
      tx.afterCommit(() => {
        events.runChanged(runId);
        events.runFinished(runId);
      });
    },
  };
}
