import { planHash } from '@hauban/link';
import {
  applyChange,
  changeStates,
  countOf,
  describeChange,
  revertChange,
  type ActionDefinition,
  type Change,
  type Host,
  type Verified,
} from '@hauban/shared/actions';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import type { ActionOrder } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { StepWord } from './journal-record.ts';
import { resultOf, showPlan, type OrderResult } from './order-result.ts';

/** One action under its locks. */
export interface ActionRun {
  readonly order: Pick<ActionOrder, 'mode' | 'planHash'>;
  readonly action: ActionDefinition;
  readonly args: Readonly<Record<string, unknown>>;
  readonly host: Host;
  readonly clock: Clock;
  /** Resolves when the plan is on disk. */
  readonly begin: (changes: readonly Change[]) => Promise<void>;
  readonly step: (index: number, what: StepWord) => void;
  readonly progress: (step: string, done: number, total: number) => void;
}

export interface RunEnd {
  readonly result: OrderResult;
  /** A step that does not end: its locks stay held until this resolves. */
  readonly stuck: Promise<void> | null;
}

/** A step that is over its time gets this much longer to end by itself before the order is given up as undetermined. */
const STUCK_MS = 120_000;

/** What an exception of an action means to the person who asked. An unexpected one is a fault of ours. */
export function faultOf(error: unknown): { readonly code: ErrorCode; readonly detail: string } {
  if (error instanceof HaubanError) return { code: error.code, detail: error.detail };
  const words = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
  return { code: 'ACTION_FAILED', detail: `unexpected fault (${words.slice(0, 300)})` };
}

type Timed<T> = { readonly is: 'done'; readonly value: T } | { readonly is: 'late' };

/** Waits for a promise at most this long. A late one goes on by itself; its end or failure is nobody's any more. */
async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<Timed<T>> {
  let cancel = (): void => undefined;
  const late = new Promise<Timed<T>>((resolve) => {
    const timer = clock.after(Math.max(0, ms), () => resolve({ is: 'late' }));
    cancel = () => timer.cancel();
  });
  try {
    return await Promise.race([promise.then((value): Timed<T> => ({ is: 'done', value })), late]);
  } finally {
    cancel();
  }
}

/** Takes back what was applied, last first, and says what could not be. Changes that never began are left alone. */
export async function undoChanges(
  host: Host,
  changes: readonly Change[],
  step: (index: number, what: StepWord) => void,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [index, change] of [...changes.entries()].reverse()) {
    step(index, 'revert');
    try {
      await revertChange(host, change);
    } catch (error) {
      problems.push(`${describeChange(change).title}: ${faultOf(error).detail}`);
    }
  }
  return problems;
}

/** Outcome of an undo: `failed` when all is as before, else `undetermined` with what is left. */
export function undoneResult(
  code: ErrorCode,
  why: string,
  problems: readonly string[],
  more: Partial<OrderResult>,
): OrderResult {
  if (problems.length === 0) return resultOf('failed', code, `${why}; everything was undone`, more);
  const left = problems.slice(0, 10).join('; ');
  return resultOf('undetermined', 'ACTION_UNDO_FAILED', `${why}; not undone: ${left}`, more);
}

export const isVerified = (verification: readonly Verified[]): boolean => verification.every((one) => one.ok);

const failedChecks = (verification: readonly Verified[]): string =>
  verification
    .filter((one) => !one.ok)
    .slice(0, 5)
    .map((one) => `${one.name}: ${one.saw}`)
    .join('; ');

/** True when every change is in place. */
export async function allInPlace(host: Host, changes: readonly Change[]): Promise<boolean> {
  return (await changeStates(host, changes)).every((state) => state === 'after');
}

type Applied =
  | { readonly is: 'done' }
  | { readonly is: 'failed'; readonly code: ErrorCode; readonly why: string }
  | { readonly is: 'stuck'; readonly at: string; readonly end: Promise<void> };

class Runner {
  readonly #run: ActionRun;
  readonly #deadlineMs: number;

  constructor(run: ActionRun) {
    this.#run = run;
    this.#deadlineMs = run.clock.monotonicMs() + run.action.timeoutMs;
  }

  async run(): Promise<RunEnd> {
    const { action, host, args, order } = this.#run;
    this.#run.progress('plan', 0, 1);
    const planned = await this.#inTime(action.plan(host, args));
    if (planned.is === 'late') return end(this.#late('the plan'));
    if (!planned.value.ok) return end(resultOf('refused', planned.value.code, planned.value.detail));
    const { changes, notes, data = null } = planned.value;
    const hash = planHash(changes);
    const more = { plan: showPlan(hash, changes, notes), data };
    if (order.mode === 'plan') {
      const words = changes.length === 0 ? 'it is so already' : countOf(changes.length, 'change');
      return end(resultOf(changes.length === 0 ? 'unchanged' : 'succeeded', null, words, more));
    }
    if (order.planHash !== null && order.planHash !== hash)
      return end(
        resultOf(
          'refused',
          'PLAN_CHANGED',
          'the machine has changed since the plan was confirmed: look at the new one',
          more,
        ),
      );
    if (changes.length === 0) return end(await this.#unchanged(more));
    return await this.#change(changes, more);
  }

  async #unchanged(more: Partial<OrderResult>): Promise<OrderResult> {
    const { action, host, args } = this.#run;
    if (action.readOnly) return resultOf('succeeded', null, 'done', more);
    const verified = await this.#inTime(action.verify(host, args, []));
    if (verified.is === 'late') return this.#late('verifying');
    const verification = verified.value;
    if (isVerified(verification)) return resultOf('unchanged', null, 'it is so already', { ...more, verification });
    return resultOf('failed', 'VERIFY_FAILED', `nothing was to be changed, but ${failedChecks(verification)}`, {
      ...more,
      verification,
    });
  }

  async #change(changes: readonly Change[], more: Partial<OrderResult>): Promise<RunEnd> {
    const { action, host, args } = this.#run;
    if (action.rehearse !== undefined) {
      this.#run.progress('rehearse', 0, changes.length);
      const rehearsed = await this.#inTime(action.rehearse(host, args, changes));
      if (rehearsed.is === 'late') return end({ ...this.#late('the rehearsal'), ...more });
      if (!rehearsed.value.ok) return end(resultOf('refused', rehearsed.value.code, rehearsed.value.detail, more));
    }
    await this.#run.begin(changes);
    const applied = await this.#apply(changes);
    if (applied.is === 'stuck') {
      const detail = `${applied.at} did not end in time, so its effect is not known; later orders on the same things wait for it`;
      return { result: resultOf('undetermined', 'ACTION_TIMEOUT', detail, more), stuck: applied.end };
    }
    if (applied.is === 'failed') return end(await this.#undo(changes, applied.code, applied.why, more));
    this.#run.progress('verify', changes.length, changes.length);
    const verified = await this.#verify(changes);
    if (isVerified(verified))
      return end(resultOf('succeeded', null, countOf(changes.length, 'change'), { ...more, verification: verified }));
    const why = `the effect is not there: ${failedChecks(verified)}`;
    return end(await this.#undo(changes, 'VERIFY_FAILED', why, { ...more, verification: verified }));
  }

  async #apply(changes: readonly Change[]): Promise<Applied> {
    for (const [index, change] of changes.entries()) {
      const { title } = describeChange(change);
      if (this.#leftMs <= 0)
        return { is: 'failed', code: 'ACTION_TIMEOUT', why: `there was no time left for: ${title}` };
      this.#run.progress(title.slice(0, 500), index, changes.length);
      this.#run.step(index, 'apply');
      const applying = applyChange(this.#run.host, change);
      try {
        const applied = await within(this.#run.clock, this.#leftMs + STUCK_MS, applying);
        if (applied.is === 'late') {
          this.#run.step(index, 'stuck');
          const ended = applying.then(
            () => undefined,
            () => undefined,
          );
          return { is: 'stuck', at: title, end: ended };
        }
      } catch (error) {
        const { code, detail } = faultOf(error);
        return { is: 'failed', code, why: `${title}: ${detail}` };
      }
      this.#run.step(index, 'applied');
    }
    return { is: 'done' };
  }

  /** A verify that fails to run, or to end, is a verify that does not hold. */
  async #verify(changes: readonly Change[]): Promise<readonly Verified[]> {
    const { action, host, args } = this.#run;
    try {
      const verified = await this.#inTime(action.verify(host, args, changes));
      if (verified.is === 'done') return verified.value;
      return [{ name: 'verify', ok: false, saw: 'it did not end in time' }];
    } catch (error) {
      return [{ name: 'verify', ok: false, saw: faultOf(error).detail }];
    }
  }

  async #undo(
    changes: readonly Change[],
    code: ErrorCode,
    why: string,
    more: Partial<OrderResult>,
  ): Promise<OrderResult> {
    this.#run.progress('undo', 0, changes.length);
    return undoneResult(code, why, await undoChanges(this.#run.host, changes, this.#run.step), more);
  }

  get #leftMs(): number {
    return this.#deadlineMs - this.#run.clock.monotonicMs();
  }

  async #inTime<T>(promise: Promise<T>): Promise<Timed<T>> {
    return await within(this.#run.clock, this.#leftMs, promise);
  }

  #late(what: string): OrderResult {
    return resultOf(
      'failed',
      'ACTION_TIMEOUT',
      `${what} took longer than ${this.#run.action.timeoutMs / 1000} s; nothing was changed`,
    );
  }
}

const end = (result: OrderResult): RunEnd => ({ result, stuck: null });

/** Plan, compare with what was confirmed, rehearse, apply change by change, verify, undo when that fails. Never throws for a fault of the action. */
export async function runAction(run: ActionRun): Promise<RunEnd> {
  try {
    return await new Runner(run).run();
  } catch (error) {
    const { code, detail } = faultOf(error);
    return end(resultOf('failed', code, `${detail}; nothing was changed`));
  }
}
