import type { ActionDefinition } from '@hauban/shared/actions';
import type { RunDetail } from '@hauban/shared/api';
import type { ApprovalStatement } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Decision } from '../authorization/index.ts';
import type { AuditService } from '../audit/audit.service.ts';
import type { Together, Transact, Tx } from '../db/transaction.ts';
import type { DispatchService } from './dispatch.service.ts';
import type { RunEvents } from './run-events.ts';
import type { RunTargetsRepository } from './run-targets.repository.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import type { SigningService } from './signing-queue.service.ts';
import type { Supersede } from './supersede.service.ts';
import type { Windows } from './window-rule.service.ts';

/** Who asks for a run. */
export interface Requester {
  readonly id: string;
  readonly name: string;
  readonly via: 'page' | 'cli' | 'api' | 'system';
  readonly address: string | null;
  /** By which role and rule it was allowed; absent: nobody was asked, the system does it. */
  readonly decision?: Decision;
}

/** What people have to say before a run is signed. */
export interface RunApprovals {
  /** How many of them for such an action, and how long they have. */
  neededFor(of: {
    readonly isHighRisk: boolean;
    readonly mode: 'plan' | 'apply';
    /** The role of who asks wants another person. */
    readonly byAnother: boolean;
  }): {
    readonly count: number;
    readonly waitMs: number;
  };
  ask(
    tx: Tx,
    asked: {
      readonly kind: 'run';
      readonly statement: ApprovalStatement;
      readonly needed: number;
      readonly byAnother: boolean;
      readonly requester: Pick<Requester, 'id' | 'name' | 'address'>;
    },
  ): void;
}

type Args = Readonly<Record<string, unknown>>;

export interface StartRunParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly actions: {
    find(name: string): Promise<ActionDefinition>;
    prepare(action: ActionDefinition, args: Args): Promise<Args>;
  };
  readonly nodes: {
    findMany(ids: readonly string[]): Promise<readonly { readonly id: string; readonly hostName: string }[]>;
  };
  readonly links: { isOnline(nodeId: string): boolean };
  readonly signing: SigningService;
  readonly supersede: Supersede;
  readonly windows: Windows;
  readonly approvals: RunApprovals;
  readonly controllerId: string;
  readonly dispatch: DispatchService;
  readonly events: RunEvents;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly together: Together;
  readonly clock: Clock;
  detailOf(run: RunRecord): Promise<RunDetail>;
}
