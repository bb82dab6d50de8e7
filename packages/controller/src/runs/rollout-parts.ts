import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import type { RolloutRepository } from './rollout.repository.ts';
import type { RunEvents } from './run-events.ts';
import type { RunTargetsRepository } from './run-targets.repository.ts';
import type { RunsRepository } from './runs.repository.ts';
import type { SigningService } from './signing-queue.service.ts';
import type { UndoRunRepository } from './undo-run.repository.ts';
import type { Windows } from './window-rule.service.ts';

/** What is known of a node at this moment. `failedUnits`: null when it has not told. */
export interface NodeHealth {
  readonly isOnline: boolean;
  readonly failedUnits: number | null;
}

/** How nodes are, by id; one that is unknown is left out. */
export type ReadHealth = (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, NodeHealth>>;

/** May this still be done in the name of who asked for it? Asked again for each wave, long after the request. */
export type JudgeRelease = (
  requester: {
    readonly id: string;
    readonly via: string;
    readonly approvedBy?: readonly string[];
    readonly overridesWindows?: boolean;
  },
  actions: readonly string[],
  nodeIds: readonly string[],
) => Promise<{
  /** The person has left, or has no rights at all any more. */
  readonly isGone: boolean;
  /** Nodes on which they may not do it. */
  readonly forbidden: ReadonlySet<string>;
}>;

export interface RolloutParts {
  readonly rollouts: RolloutRepository;
  readonly undos: UndoRunRepository;
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly signing: SigningService;
  readonly events: RunEvents;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
  readonly windows: Windows;
  readonly health: ReadHealth;
  readonly judgeRelease: JudgeRelease;
}
