import type { History, JournalOrder, MachineEffect, NodeHistory, RunHistory, TargetHistory } from './history.ts';

/** A rule that was broken, and where. */
export interface HistoryProblem {
  readonly rule: 'effect' | 'outcome' | 'journal' | 'wave' | 'threshold';
  readonly says: string;
}

/** One order with what each side has of it. */
interface Joined {
  readonly run: RunHistory;
  readonly target: TargetHistory;
  /** Null: the node never took it. */
  readonly entry: JournalOrder | null;
  readonly effects: readonly MachineEffect[];
}

/** What a node may have done about an order that ended so, seen at its machine. */
const DONE = new Set(['succeeded']);
const FAILED = new Set(['failed', 'refused', 'undetermined']);
/** How an order ends that no node took. */
const NEVER_TAKEN = new Set(['cancelled', 'expired', 'refused', 'superseded']);

const problem = (rule: HistoryProblem['rule'], says: string): HistoryProblem => ({ rule, says });
const nameOf = ({ run, target }: Joined): string => `run ${run.id}, node ${target.nodeId} (order ${target.orderId})`;

/** At most one attempt, and the machine as the outcome says. */
function checkEffects(one: Joined): HistoryProblem[] {
  const { entry, effects, target } = one;
  const bans = effects.filter(({ what }) => what === 'ban');
  const isBanned = effects.at(-1)?.after ?? false;
  const isDone = DONE.has(target.state);
  const problems: string[] = [];
  if (bans.length > 1) problems.push(`its effect was brought about ${bans.length} times`);
  if (effects.length > 0 && entry === null) problems.push('the machine was changed, and its journal knows no order');
  const [first] = effects;
  if (first !== undefined && entry !== null && first.at < entry.takenAt)
    problems.push('the machine was changed before the order was taken');
  if (isDone !== isBanned)
    problems.push(`it ended ${target.state}, and the machine ${isBanned ? 'is' : 'is not'} as was asked for`);
  return problems.map((says) => problem('effect', `${nameOf(one)}: ${says}`));
}

/** The controller says what the node has signed, and the node knows that it was heard. */
function checkOutcome(one: Joined): HistoryProblem[] {
  const { entry, target } = one;
  const problems: string[] = [];
  if (!target.isFinal) problems.push(`it has no outcome (${target.state})`);
  else if (entry === null) {
    if (!NEVER_TAKEN.has(target.state)) problems.push(`it ended ${target.state}, and the node never took it`);
  } else if (entry.outcomes.length !== 1)
    problems.push(`the journal holds ${entry.outcomes.length} receipts of it in place of one`);
  else if (entry.outcomes[0] !== target.state)
    problems.push(`the node says ${entry.outcomes[0] ?? ''}, the controller says ${target.state}`);
  else if (!entry.isAcked) problems.push('its receipt was never acknowledged');
  if (target.state === 'undetermined') problems.push('nobody knows how it ended');
  if (entry !== null && !target.isReleased) problems.push('the node took it, and it was never released');
  return problems.map((says) => problem('outcome', `${nameOf(one)}: ${says}`));
}

/** Nobody of a wave begins before it was let go, and it is let go only when all before it have ended. */
function checkWaves(run: RunHistory, orders: readonly Joined[]): HistoryProblem[] {
  const begunAt = new Map(run.begun.map(({ wave, at }) => [wave, at]));
  const problems: HistoryProblem[] = [];
  for (const { wave } of run.begun.filter(({ wave: of }, at) => run.begun.findIndex((it) => it.wave === of) !== at))
    problems.push(problem('wave', `run ${run.id}: wave ${wave} was let go twice`));
  for (const one of orders) {
    const { target, entry } = one;
    if (entry === null) continue;
    const at = begunAt.get(target.wave);
    if (target.wave > 0 && at === undefined)
      problems.push(problem('wave', `${nameOf(one)}: it began, and wave ${target.wave} was never let go`));
    else if (at !== undefined && entry.takenAt < at)
      problems.push(problem('wave', `${nameOf(one)}: it began ${at - entry.takenAt} ms before its wave was let go`));
    const next = begunAt.get(target.wave + 1);
    if (next !== undefined && (entry.endedAt === null || entry.endedAt > next))
      problems.push(
        problem('wave', `${nameOf(one)}: the next wave was let go before this node of wave ${target.wave} had ended`),
      );
  }
  return problems;
}

/** Too many failures stop it, and from then on nothing more goes out. */
function checkThreshold(run: RunHistory, orders: readonly Joined[]): HistoryProblem[] {
  const { limits, stoppedAt } = run;
  if (limits === null) return [];
  const says = (text: string): HistoryProblem => problem('threshold', `run ${run.id}: ${text}`);
  const failed = orders.filter(({ target }) => FAILED.has(target.state));
  const isOnlyCanary = limits.hasCanary && run.begun.length === 0;
  const limit = isOnlyCanary ? limits.stopAfterInCanary : limits.stopAfter;
  const problems: HistoryProblem[] = [];
  if (failed.length >= limit && run.state !== 'stopped')
    problems.push(says(`${failed.length} nodes failed, the limit is ${limit}, and it was not stopped`));
  if (failed.length > limit - 1 + limits.maxInFlight)
    problems.push(says(`${failed.length} nodes failed; with ${limits.maxInFlight} at once that is too many`));
  if (run.state === 'stopped' && stoppedAt === null) problems.push(says('nobody noted when it was stopped'));
  for (const one of orders)
    if (stoppedAt !== null && one.entry !== null && one.entry.issuedAt > stoppedAt)
      problems.push(problem('threshold', `${nameOf(one)}: its order was issued after the run was stopped`));
  return problems;
}

/** What a node did that no run of ours asked for. */
function checkStrangers(history: History, known: ReadonlySet<string>): HistoryProblem[] {
  const addresses = new Set(history.runs.map(({ address }) => address));
  return history.nodes.flatMap(({ nodeId, orders, effects }) => [
    ...orders
      .filter(({ orderId }) => !known.has(orderId))
      .map(({ orderId }) => problem('journal', `node ${nodeId}: its journal has order ${orderId}, which nobody gave`)),
    ...effects
      .filter(({ address }) => !addresses.has(address))
      .map(({ address }) => problem('journal', `node ${nodeId}: ${address} was touched, which nobody asked for`)),
  ]);
}

function joinRun(run: RunHistory, nodes: ReadonlyMap<string, NodeHistory>): Joined[] {
  return run.targets.map((target) => {
    const node = nodes.get(target.nodeId);
    const entry = node?.orders.find(({ orderId }) => orderId === target.orderId) ?? null;
    const effects = node?.effects.filter(({ address }) => address === run.address) ?? [];
    return { run, target, entry, effects };
  });
}

/**
 * Everything that is wrong with a history in which nothing is under way any more; empty is well. Each side is held
 * against the others: no effect twice, no outcome lost, waves and thresholds kept to the node.
 */
export function checkHistory(history: History): readonly HistoryProblem[] {
  const nodes = new Map(history.nodes.map((node) => [node.nodeId, node]));
  const known = new Set(history.runs.flatMap(({ targets }) => targets.map(({ orderId }) => orderId)));
  return [
    ...checkStrangers(history, known),
    ...history.runs.flatMap((run) => {
      const orders = joinRun(run, nodes);
      return [
        ...(run.isFinished ? [] : [problem('outcome', `run ${run.id} has not ended (${run.state})`)]),
        ...orders.flatMap(checkEffects),
        ...orders.flatMap(checkOutcome),
        ...checkWaves(run, orders),
        ...checkThreshold(run, orders),
      ];
    }),
  ];
}
