import type { Tx } from '../db/transaction.ts';
import type { RolloutParts } from './rollout-parts.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import { approversOf, stepAt } from './sign-orders.ts';
import { bySentence, closedOf, type WindowVerdict } from './window-rule.service.ts';

const FORBIDDEN_NOW = 'Not started: the person who asked for it may not do this here any more.';

/** What came of a release. */
export type Released =
  /** `says`: what the other nodes of it wait for; null: there are none. */
  { readonly kind: 'released'; readonly orders: number; readonly says: string | null } | { readonly kind: 'gone' };

interface Bounds {
  readonly verdicts: ReadonlyMap<string, WindowVerdict>;
  readonly closed: ReadonlyMap<string, string>;
  readonly says: string | null;
}

const UNBOUND: Bounds = { verdicts: new Map(), closed: new Map(), says: null };

/** Which of its nodes may not be changed now; they are told what they wait for. Windows stay as they are until the commit. */
function createReadBounds({ rollouts, windows, clock }: RolloutParts) {
  return async (tx: Tx, run: RunRecord): Promise<Bounds> => {
    const judge = run.windowRule === 'bound' ? await windows.read(tx) : null;
    if (judge === null) return UNBOUND;
    const verdicts = await judge(await rollouts.waitingNodes(tx, run.id, run.wave));
    const closed = closedOf(verdicts, clock.nowMs());
    const held = bySentence(closed);
    for (const [says, nodeIds] of held) await rollouts.holdBack(tx, run.id, nodeIds, says);
    const [first = null] = held.keys();
    return { verdicts, closed, says: first };
  };
}

/**
 * Lets orders of the waves that have begun be signed: within the transaction that holds the lock of the run, so that no other
 * controller counts the same room.
 */
export function createReleaseWave(parts: RolloutParts) {
  const { rollouts, runs, audit, clock, health, judgeRelease } = parts;
  const readBounds = createReadBounds(parts);

  const refuse = async (tx: Tx, run: RunRecord, targets: readonly TargetRecord[]): Promise<void> => {
    if (targets.length === 0) return;
    const end = { state: 'refused', code: 'FORBIDDEN', detail: FORBIDDEN_NOW, finishedAt: clock.nowMs() } as const;
    const ids = targets.map(({ orderId }) => orderId);
    const closed = await rollouts.end(tx, ids, end);
    runs.closeTargets(tx, run.id, closed, clock.nowMs());
    const detail = { runId: run.id, orders: closed, says: FORBIDDEN_NOW };
    audit.record(tx, { code: 'A3002W', who: run.requester, detail });
  };

  /** Failed units of those that begin now, to be held against what is there after their wave. */
  const unitsOf = async (targets: readonly TargetRecord[]): Promise<ReadonlyMap<string, number>> => {
    const first = targets.filter(({ position }) => position === 0);
    const found = await health(first.map(({ nodeId }) => nodeId));
    return new Map(
      first.flatMap(({ orderId, nodeId }): [string, number][] => {
        const units = found.get(nodeId)?.failedUnits ?? null;
        return units === null ? [] : [[orderId, units]];
      }),
    );
  };

  return async (tx: Tx, run: RunRecord, most: number): Promise<Released> => {
    const { verdicts, closed, says } = await readBounds(tx, run);
    const without = [...closed.keys()];
    const ready = await rollouts.ready(tx, { runId: run.id, wave: run.wave, limit: most, without });
    if (ready.length === 0) return { kind: 'released', orders: 0, says };
    const actions = [...new Set(ready.map(({ position }) => stepAt(run, position).action))];
    const overridesWindows = run.windowRule === 'override';
    const requester = { id: run.requesterId, via: run.via, approvedBy: approversOf(run), overridesWindows };
    const judged = await judgeRelease(
      requester,
      actions,
      ready.map(({ nodeId }) => nodeId),
    );
    if (judged.isGone) return { kind: 'gone' };
    await refuse(
      tx,
      run,
      ready.filter(({ nodeId }) => judged.forbidden.has(nodeId)),
    );
    const allowed = ready.filter(({ nodeId }) => !judged.forbidden.has(nodeId));
    // People approved one moment for all of it.
    const expiresAt = run.approval === null ? clock.nowMs() + run.startWithinMs : run.expiresAt;
    const units = await unitsOf(allowed);
    // What a node has not begun when its window ends, it does not begin.
    const untilOf = ({ nodeId }: TargetRecord): number =>
      Math.min(expiresAt, run.expiresAt, verdicts.get(nodeId)?.openUntil ?? expiresAt);
    for (const until of new Set(allowed.map(untilOf))) {
      const ids = allowed.filter((target) => untilOf(target) === until).map(({ orderId }) => orderId);
      await rollouts.release(tx, ids, until, units);
    }
    return { kind: 'released', orders: ready.length, says };
  };
}
