import { authorityOrderKeys, verifyOrder, type KeyPair, type Verified } from '@hauban/link';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import type { FromExecutor, Order, ShellOrder } from '@hauban/shared/protocol';
import type { AuthorityStore, BundleStore } from '../trust/index.ts';
import {
  checkApproved,
  checkOrder,
  checkPolicy,
  type AcceptedOrder,
  type CheckedOrder,
  type ClaimedOrder,
  type NodeIdentity,
} from './check-order.ts';
import type { ActionSource, CustomCatalogue } from './custom-catalogue.ts';
import type { LoadedPolicy } from './local-policy.ts';
import type { LockTable } from './lock-table.ts';
import { makeReceipt } from './make-receipt.ts';
import { createOrderNews, type OrderNews } from './order-news.ts';
import { createOrderOutput, type OrderOutput } from './order-output.ts';
import type { Unfinished } from './order-journal.ts';
import { resultOf, withOutput, type OrderResult } from './order-result.ts';
import { locksOf, recoverWork, workOn, type WorkParts } from './order-work.ts';
import { checkUndo } from './check-undo.ts';
import { faultOf, type RunEnd } from './run-action.ts';

export type OpenedShell =
  | { readonly ok: true; readonly socket: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** What the desk needs of the rest of the executor. */
export interface DeskParts extends WorkParts {
  readonly identity: () => NodeIdentity;
  readonly receiptKey: () => KeyPair;
  readonly actions: ActionSource & Pick<CustomCatalogue, 'refresh'>;
  readonly isRoot: boolean;
  readonly policy: () => LoadedPolicy;
  readonly bundles: Pick<BundleStore, 'held' | 'settled'>;
  readonly authority: Pick<AuthorityStore, 'held'>;
  readonly locks: LockTable;
  readonly openShell: (order: ShellOrder) => Promise<OpenedShell>;
  /** Is the process of that shell alive? For a permit that was cut off by a crash. */
  readonly isShellOpen: (session: string) => boolean;
  readonly send: (message: FromExecutor) => void;
  /** The journal cannot be relied on any more: the process has to end, the next one settles what is open. */
  readonly fatal: (error: unknown) => void;
}

const NO_KEYS: ReturnType<typeof authorityOrderKeys> = { all: new Map(), retired: new Set() };

const claimOf = (order: Order, hash: string): ClaimedOrder => ({
  id: order.id,
  hash,
  kind: order.kind,
  mode: order.kind === 'action' ? order.mode : null,
});

/**
 * Takes orders from the link process, whose word is worth nothing, and leaves one signed receipt for each: checked,
 * locked, journalled, carried out, settled. Orders with different locks run side by side.
 */
export class OrderDesk {
  readonly #parts: DeskParts;
  readonly #running = new Set<Promise<void>>();
  /** Of orders that are carried out now. */
  readonly #outputs = new Map<string, OrderOutput>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Orders that are not settled yet. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Resolves when nothing runs any more. */
  async whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** An order as it came; every outcome is a message. */
  take(jws: string): void {
    this.#track(this.#take(jws));
  }

  acknowledge(id: string): void {
    this.#parts.journal.acknowledge(id);
  }

  /** Sends again what the controller has not acknowledged (rule ORDER8). */
  offerReceipts(send: (message: FromExecutor) => void): void {
    for (const id of this.#parts.journal.unacknowledged()) {
      const jws = this.#parts.journal.receiptOf(id);
      if (jws !== null) send({ t: 'receipt', jws });
    }
  }

  /**
   * Settles what the last executor left open (rule ORDER6). Call it before the first order is taken: it queues for its
   * locks first.
   */
  recover(): void {
    for (const unfinished of this.#parts.journal.unfinished()) this.#track(this.#recover(unfinished));
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'fault while an order was handled'))
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  async #take(jws: string): Promise<void> {
    const { journal, clock, send, bundles, authority } = this.#parts;
    // What came before it may have taken an approver away, or brought the key that it is signed with.
    await bundles.settled();
    const identity = this.#parts.identity();
    const held = authority.held;
    const keys = held.is === 'held' ? authorityOrderKeys(held.chain, clock.nowMs()) : NO_KEYS;
    const verified: Verified<Order> =
      held.is === 'held'
        ? await verifyOrder(jws, keys.all)
        : { ok: false, code: 'AUTHORITY_DAMAGED', detail: held.problem };
    if (verified.ok && verified.value.kind === 'action') await this.#parts.actions.refresh(verified.value.action);
    const checked = checkOrder(jws, verified, {
      ...this.#parts,
      identity,
      held: bundles.held,
      retiredKids: keys.retired,
      memory: journal,
      nowMs: () => clock.nowMs(),
      undoable: (order) => checkUndo(order, this.#parts),
    });
    if (checked.is === 'known') {
      const receipt = journal.receiptOf(checked.id);
      send(receipt === null ? { t: 'taken', order: checked.id } : { t: 'receipt', jws: receipt });
      return;
    }
    if (checked.is === 'refused') return await this.#refuse(checked);
    const { accepted, hash } = checked;
    const problem = this.#remember(accepted.order, hash, accepted.order.approved?.run ?? null);
    if (problem !== null)
      return await this.#refuse({ ...problem, claimed: claimOf(accepted.order, hash), order: null });
    const news = createOrderNews(accepted.order.id, clock, send);
    news.taken();
    try {
      await (accepted.kind === 'action'
        ? this.#runAction(accepted, hash, news)
        : this.#runShell(accepted.order, hash, news));
    } finally {
      news.end();
    }
  }

  /** What cannot be remembered is not done: an order that was forgotten could be run twice. */
  #remember(
    order: Order,
    hash: string,
    run: string | null,
  ): { readonly code: ErrorCode; readonly detail: string } | null {
    try {
      this.#parts.journal.take(order, hash, run);
      return null;
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return { code: error.code, detail: `the node cannot keep a record of it: ${error.detail}` };
    }
  }

  async #refuse(
    refused: Pick<Extract<CheckedOrder, { is: 'refused' }>, 'claimed' | 'code' | 'detail' | 'order'>,
  ): Promise<void> {
    const { clock, send, log } = this.#parts;
    const { claimed, code, detail, order } = refused;
    log.warn({ order: claimed?.id ?? null, code, detail }, 'order refused');
    if (claimed === null) return;
    const result = resultOf(code === 'ORDER_EXPIRED' ? 'expired' : 'refused', code, detail);
    if (order === null || this.#remember(order, claimed.hash, null) !== null)
      send({ t: 'receipt', jws: await this.#sign(claimed, result, clock.nowMs()) });
    else await this.#settle(claimed, result, clock.nowMs());
    if (order?.kind === 'shell')
      send({ t: 'shell.refused', session: order.session, code, detail: detail.slice(0, 500) });
  }

  async #runAction(accepted: Extract<AcceptedOrder, { kind: 'action' }>, hash: string, news: OrderNews): Promise<void> {
    const { order, action, args } = accepted;
    const { clock } = this.#parts;
    const claimed = claimOf(order, hash);
    const names = action.locks(args);
    const release = await this.#lock(names, order);
    const startedAt = clock.nowMs();
    const early = this.#stillAllowed(accepted, names, release !== null);
    const end: RunEnd = early === null ? await this.#work(accepted, names, news) : { result: early, stuck: null };
    await this.#settle(claimed, end.result, startedAt, news);
    if (end.stuck === null) release?.();
    else void end.stuck.finally(() => release?.());
  }

  /** What its programs print meanwhile goes to whoever looks, and into the receipt. */
  async #work(
    accepted: Extract<AcceptedOrder, { kind: 'action' }>,
    names: readonly string[],
    news: OrderNews,
  ): Promise<RunEnd> {
    const output = createOrderOutput(accepted.order.id, this.#parts.clock, this.#parts.send);
    this.#outputs.set(accepted.order.id, output);
    try {
      const end = await workOn(accepted, names, this.#parts, news);
      return { ...end, result: withOutput(end.result, output.final) };
    } finally {
      output.end();
      this.#outputs.delete(accepted.order.id);
    }
  }

  /** A program of that custom action printed something: it belongs to the order that holds the action's lock. */
  printed(name: string, text: string): void {
    const owner = this.#parts.locks.holder(`custom:${name}`);
    if (owner !== null) this.#outputs.get(owner)?.add(text);
  }

  /** Waiting for a lock is part of the delivery: it lasts until the order expires, not longer. */
  async #lock(names: readonly string[], order: Order): Promise<(() => void) | null> {
    const waiting = new AbortController();
    const timer = this.#parts.clock.after(order.exp - this.#parts.clock.nowMs(), () => waiting.abort());
    try {
      return await this.#parts.locks.acquire(names, order.id, waiting.signal);
    } finally {
      timer.cancel();
    }
  }

  /** Policy file and bundle may have changed while a lock was waited for. */
  #stillAllowed(accepted: AcceptedOrder, names: readonly string[], isLocked: boolean): OrderResult | null {
    if (!isLocked) {
      const held = names.map((name) => `${name} (order ${this.#parts.locks.holder(name) ?? 'before it'})`).join(', ');
      return resultOf('expired', 'LOCK_BUSY', `it expired while it waited for ${held}`.slice(0, 1000));
    }
    const { policy, bundles, identity } = this.#parts;
    const denied = checkApproved(accepted, bundles.held, identity().nodeId) ?? checkPolicy(accepted, policy());
    return denied === null ? null : resultOf('refused', denied.code, denied.detail);
  }

  /** On disk first: after a power cut the same permit would open a second shell (rule ORDER5). */
  async #openShell(order: ShellOrder): Promise<OpenedShell> {
    try {
      await this.#parts.journal.begin(order.id, []);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return { ok: false, code: error.code, detail: error.detail };
    }
    return await this.#parts.openShell(order);
  }

  async #runShell(order: ShellOrder, hash: string, news: OrderNews): Promise<void> {
    const { clock, send } = this.#parts;
    const startedAt = clock.nowMs();
    const opened = await this.#openShell(order);
    const result = opened.ok
      ? resultOf('succeeded', null, 'the shell was opened')
      : resultOf('refused', opened.code, opened.detail);
    if (opened.ok) send({ t: 'shell.started', session: order.session, socket: opened.socket });
    else send({ t: 'shell.refused', session: order.session, code: opened.code, detail: opened.detail.slice(0, 500) });
    await this.#settle(claimOf(order, hash), result, startedAt, news);
  }

  async #recover(unfinished: Unfinished): Promise<void> {
    const { order, hash } = unfinished;
    const { clock, log } = this.#parts;
    const startedAt = clock.nowMs();
    const release = await this.#parts.locks.acquire(
      locksOf(order, this.#parts),
      order.id,
      new AbortController().signal,
    );
    const result = await this.#recoverResult(unfinished);
    log.warn({ order: order.id, outcome: result.outcome, detail: result.detail }, 'order settled after a crash');
    await this.#settle(claimOf(order, hash), result, startedAt);
    release?.();
  }

  async #recoverResult(unfinished: Unfinished): Promise<OrderResult> {
    const { order } = unfinished;
    if (order.kind === 'shell')
      return this.#parts.isShellOpen(order.session)
        ? resultOf('succeeded', null, 'the shell was opened')
        : resultOf('failed', 'ORDER_INTERRUPTED', 'the executor stopped before the shell was open');
    try {
      return await recoverWork(unfinished, this.#parts);
    } catch (error) {
      return resultOf('undetermined', 'INTERNAL', `it could not be settled: ${faultOf(error).detail}`);
    }
  }

  /** Signs, journals, then sends (rule ORDER5). */
  async #settle(claimed: ClaimedOrder, result: OrderResult, startedAt: number, news?: OrderNews): Promise<void> {
    const jws = await this.#sign(claimed, result, startedAt);
    try {
      await this.#parts.journal.finish(claimed.id, jws);
    } catch (error) {
      this.#parts.fatal(error);
      return;
    }
    news?.end();
    this.#parts.send({ t: 'receipt', jws });
  }

  async #sign(claimed: ClaimedOrder, result: OrderResult, startedAt: number): Promise<string> {
    const { identity, receiptKey, clock } = this.#parts;
    const times = { startedAt, finishedAt: clock.nowMs() };
    return await makeReceipt(claimed, result, times, { nodeId: identity().nodeId, receiptKey: receiptKey() });
  }
}
