import { join } from 'node:path';
import type { Change } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { LIMITS, type Order } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { openJournalFile, type JournalDamage, type JournalFile, type RecordPlace } from '../store/index.ts';
import { parseJournalRecord, type JournalRecord, type StepWord } from './journal-record.ts';

/** An order that was begun, or at least taken, and has no outcome: the executor stopped in between. */
export interface Unfinished {
  readonly order: Order;
  readonly hash: string;
  /** The plan whose effects may have begun; null: nothing had begun. */
  readonly changes: readonly Change[] | null;
}

interface Entry {
  readonly hash: string;
  readonly iat: number;
  readonly at: number;
  /** The approved run that this order used up, or null (rule APPROVE4). */
  readonly run: string | null;
  /** Until it is done. */
  order: Order | null;
  changes: readonly Change[] | null;
  receipt: RecordPlace | null;
  /** The receipt is on disk. */
  isSettled: boolean;
  isAcked: boolean;
}

/** Rewriting is worth it when this much has been added since the last time. */
const COMPACT_AFTER_BYTES = 4 * 1024 * 1024;

/**
 * The memory of what was ordered (rules ORDER3 to ORDER6), in one file. A known order is never run again; an order from
 * before the memory begins is not taken at all, so that a lost or damaged file cannot open the door to a replay.
 */
export class OrderJournal {
  readonly #file: JournalFile;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Approved runs, and the one order of each that was taken. */
  readonly #runs = new Map<string, string>();
  #beganAt = 0;
  #compactAtBytes = 0;

  private constructor(file: JournalFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /**
   * Opens the journal in `folder`. A torn tail is cut off. A damaged middle is kept aside, what can be read goes on, and
   * the memory begins anew: what was damaged may have been the id of an order.
   */
  static open(folder: string, clock: Clock): { readonly journal: OrderJournal; readonly damage: JournalDamage } {
    const path = join(folder, 'orders.journal');
    const opened = openJournalFile(path, () => `${path}.corrupt-${clock.nowMs()}`);
    const journal = new OrderJournal(opened.file, clock);
    let unknown = 0;
    for (const { value, place } of opened.records) {
      const record = parseJournalRecord(value);
      if (record === null) unknown += 1;
      else journal.#load(record, place);
    }
    const isNew = opened.records.length === 0 && opened.damage.kind === 'none';
    // A first journal also takes what was issued while it was being made: clocks differ by up to the skew.
    if (isNew) journal.#beganAt = clock.nowMs() - LIMITS.orderSkewMs;
    else if (opened.damage.kind === 'corrupt' || unknown > 0 || journal.#beganAt === 0)
      journal.#beganAt = clock.nowMs();
    journal.#compact();
    return { journal, damage: opened.damage };
  }

  /** Orders issued before this (Unix ms) are not remembered, so they are not taken (rule ORDER3). */
  get beganAt(): number {
    return this.#beganAt;
  }

  /** Hash of the order with this id, and whether it has an outcome; null when the id is new. */
  find(id: string): { readonly hash: string; readonly isDone: boolean } | null {
    const entry = this.#entries.get(id);
    return entry === undefined ? null : { hash: entry.hash, isDone: entry.isSettled };
  }

  /** Id of the order that used up an approved run, or null (rule APPROVE4). */
  orderOfRun(run: string): string | null {
    return this.#runs.get(run) ?? null;
  }

  /** @param run the approved run that is used up by it; null when nothing was approved, or when it is refused */
  take(order: Order, hash: string, run: string | null): void {
    const at = this.#clock.nowMs();
    this.#append({ t: 'taken', at, hash, order, run });
    this.#add(order.id, {
      hash,
      iat: order.iat,
      at,
      run,
      order,
      changes: null,
      receipt: null,
      isSettled: false,
      isAcked: false,
    });
  }

  /** Resolves when the plan is on disk: effects may begin (rule ORDER5). */
  async begin(id: string, changes: readonly Change[]): Promise<void> {
    this.#append({ t: 'begun', at: this.#clock.nowMs(), id, changes });
    this.#entry(id).changes = changes;
    await this.#file.sync();
  }

  step(id: string, index: number, what: StepWord): void {
    this.#append({ t: 'step', at: this.#clock.nowMs(), id, index, what });
  }

  /** Resolves when the receipt is on disk: it may be sent (rule ORDER5). */
  async finish(id: string, jws: string): Promise<void> {
    const place = this.#append({ t: 'done', at: this.#clock.nowMs(), id, jws });
    const entry = this.#entry(id);
    Object.assign(entry, { receipt: place, order: null, changes: null });
    await this.#file.sync();
    entry.isSettled = true;
    if (this.#file.sizeBytes > this.#compactAtBytes) this.#compact();
  }

  /** The receipt of a finished order as it was signed, or null. */
  receiptOf(id: string): string | null {
    const entry = this.#entries.get(id);
    return entry?.isSettled === true && entry.receipt !== null ? this.#readReceipt(id, entry.receipt) : null;
  }

  #readReceipt(id: string, place: RecordPlace): string {
    const record = parseJournalRecord(this.#file.read(place));
    if (record?.t === 'done' || record?.t === 'kept') return record.jws;
    throw new HaubanError('FILE_FAILED', `the journal holds no receipt where that of ${id} was`);
  }

  /** The controller has the receipt. Unknown ids are passed over: the word of the link process is worth nothing here. */
  acknowledge(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || !entry.isSettled || entry.isAcked) return;
    this.#append({ t: 'acked', id });
    entry.isAcked = true;
  }

  /** Ids of finished orders whose receipt the controller has not acknowledged, oldest first. */
  unacknowledged(): readonly string[] {
    return [...this.#entries].flatMap(([id, entry]) => (entry.isSettled && !entry.isAcked ? [id] : []));
  }

  unfinished(): readonly Unfinished[] {
    return [...this.#entries.values()].flatMap(({ order, hash, changes }) =>
      order === null ? [] : [{ order, hash, changes }],
    );
  }

  close(): void {
    this.#file.close();
  }

  #append(record: JournalRecord): RecordPlace {
    return this.#file.append(record);
  }

  #add(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    if (entry.run !== null) this.#runs.set(entry.run, id);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new TypeError(`order ${id} was not taken`);
    return entry;
  }

  #load(record: JournalRecord, place: RecordPlace): void {
    switch (record.t) {
      case 'head':
        this.#beganAt = Math.max(this.#beganAt, record.beganAt);
        return;
      case 'taken': {
        const { order, hash, at, run } = record;
        this.#add(order.id, {
          hash,
          iat: order.iat,
          at,
          run,
          order,
          changes: null,
          receipt: null,
          isSettled: false,
          isAcked: false,
        });
        return;
      }
      case 'kept': {
        const { id, hash, iat, at, isAcked, run } = record;
        const kept = { order: null, changes: null, receipt: place, isSettled: true, isAcked };
        this.#add(id, { hash, iat, at, run, ...kept });
        return;
      }
      case 'begun': {
        const entry = this.#entries.get(record.id);
        if (entry !== undefined) entry.changes = record.changes;
        return;
      }
      case 'done': {
        const entry = this.#entries.get(record.id);
        if (entry === undefined) return;
        Object.assign(entry, { receipt: place, isSettled: true, order: null, changes: null });
        return;
      }
      case 'acked': {
        const entry = this.#entries.get(record.id);
        if (entry !== undefined) entry.isAcked = true;
        return;
      }
      case 'step':
        return;
    }
  }

  /**
   * Rewrites the file without steps and without orders that are older than the memory has to be. The memory then begins
   * after the newest of those: measured by the orders' own times, so that a clock that jumped cannot open a gap.
   */
  #compact(): void {
    const oldest = this.#clock.nowMs() - LIMITS.orderMemoryMs;
    for (const [id, entry] of this.#entries) {
      if (!entry.isAcked || entry.iat >= oldest || entry.at >= oldest) continue;
      this.#beganAt = Math.max(this.#beganAt, entry.iat + 1);
      this.#entries.delete(id);
      if (entry.run !== null) this.#runs.delete(entry.run);
    }
    const values: JournalRecord[] = [{ t: 'head', v: 1, beganAt: this.#beganAt }];
    const receipts: { readonly entry: Entry; readonly index: number }[] = [];
    for (const [id, entry] of this.#entries) {
      const { hash, iat, at, run, order, changes, receipt, isAcked } = entry;
      if (receipt !== null) {
        receipts.push({ entry, index: values.length });
        values.push({ t: 'kept', at, id, hash, iat, jws: this.#readReceipt(id, receipt), isAcked, run });
      } else if (order !== null) {
        values.push({ t: 'taken', at, hash, order, run });
        if (changes !== null) values.push({ t: 'begun', at, id, changes });
      }
    }
    const places = this.#file.replace(values);
    for (const { entry, index } of receipts) entry.receipt = places[index] ?? null;
    this.#compactAtBytes = this.#file.sizeBytes + COMPACT_AFTER_BYTES;
  }
}
