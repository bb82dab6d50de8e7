import { randomUUID } from 'node:crypto';
import { sha256Hex } from '@hauban/link';
import type { Rollout, RunRequest } from '@hauban/shared/api';
import { LIMITS } from '@hauban/shared/protocol';
import { contentText, ROLLOUT_LIFE_MS, type RunContent } from './run-content.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import { START_WITHIN_MS } from './sign-orders.ts';
import type { Requester } from './start-parts.ts';

/** What rows of a run are made of. */
export interface RunMaking {
  readonly request: RunRequest;
  readonly requester: Requester;
  readonly content: RunContent;
  /** Ascending. */
  readonly nodeIds: readonly string[];
  readonly rollout: Rollout | null;
  /** Approvals of people, and how long they have. */
  readonly needed: number;
  readonly waitMs: number;
  readonly retryOf: string | null;
  readonly windowRule: RunRecord['windowRule'];
}

/** People need time too: what waits for them expires no sooner than that. */
const orderLifeMs = ({ request, needed, waitMs }: RunMaking): number =>
  Math.min(Math.max(request.startWithinMs ?? START_WITHIN_MS, needed > 0 ? waitMs : 0), LIMITS.orderLifetimeMs);

export function makeRun(making: RunMaking, now: number): RunRecord {
  const { request, requester, content, nodeIds, rollout, needed, retryOf, windowRule } = making;
  const { mode } = request;
  const [first] = content.steps;
  if (first === undefined) throw new TypeError('a run has a step');
  const startWithinMs = orderLifeMs(making);
  // Approvals are for one expiry: all of its waves have to begin before it.
  const lifeMs = rollout === null || needed > 0 ? startWithinMs : ROLLOUT_LIFE_MS;
  return {
    id: randomUUID(),
    ...first,
    mode,
    planHash: request.planHash ?? null,
    requesterId: requester.id,
    requester: requester.name,
    via: requester.via,
    reason: request.reason ?? null,
    idempotencyKey: request.idempotencyKey ?? null,
    requestHash: sha256Hex(contentText(request, content, nodeIds, retryOf)),
    createdAt: now,
    expiresAt: now + lifeMs,
    finishedAt: null,
    openTargets: nodeIds.length * content.steps.length,
    needsApproval: needed > 0,
    approval: null,
    steps: content.steps.length > 1 ? content.steps : [],
    selector: request.on ?? null,
    state: 'running',
    says: null,
    rollout,
    wave: 0,
    waveEndedAt: null,
    isUndoing: false,
    nodeCount: nodeIds.length,
    startWithinMs,
    supersedeKey: request.supersedeKey ?? null,
    retryOf,
    windowRule,
  };
}

const people = (count: number, byAnother: boolean): string =>
  count > 1 ? `${count} people` : byAnother ? 'another person' : 'one person';

/** What a target of a run begins with. */
export interface TargetMaking {
  readonly nodeId: string;
  readonly position: number;
  readonly wave: number;
  readonly needed: number;
  readonly byAnother: boolean;
  readonly planHash: string | null;
}

export function makeTarget(run: RunRecord, making: TargetMaking): TargetRecord {
  const { nodeId, position, wave, needed, byAnother, planHash } = making;
  return {
    orderId: randomUUID(),
    runId: run.id,
    nodeId,
    state: run.rollout === null ? 'queued' : 'waiting',
    jws: null,
    orderHash: null,
    expiresAt: run.expiresAt,
    code: null,
    detail: needed > 0 ? `Waits for the approval of ${people(needed, byAnother)}.` : '',
    plan: null,
    verification: [],
    data: null,
    receipt: null,
    leasedAt: null,
    deliveredAt: null,
    startedAt: null,
    finishedAt: null,
    position,
    wave,
    planHash,
    harm: null,
    failedUnits: null,
    undoes: null,
  };
}

/** The wave of each node, in the order in which they are given. */
export function wavesOf(rollout: Rollout | null, nodeIds: readonly string[]): ReadonlyMap<string, number> {
  const sizes = rollout?.waves ?? [nodeIds.length];
  const waves = new Map<string, number>();
  let at = 0;
  for (const [wave, size] of sizes.entries())
    for (const nodeId of nodeIds.slice(at, (at += size))) waves.set(nodeId, wave);
  return waves;
}
