import { join } from 'node:path';
import { canonicalJson, sha256Hex } from '@hauban/link';
import { describeChange, type Change } from '@hauban/shared/actions';
import {
  integer,
  list,
  literal,
  nullable,
  object,
  parseWith,
  text,
  UUID_PATTERN,
  type Checked,
} from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { openJournalFile, openUndoFolder, type JournalFile, type UndoFolder } from '../store/index.ts';
import { changeKeys } from './change-keys.ts';

/** How long and how much is kept; what is oldest goes first. */
export interface UndoLimits {
  readonly ageMs: number;
  readonly orders: number;
  readonly bytes: number;
}
const UNDO_LIMITS: UndoLimits = { ageMs: 30 * 24 * 3_600_000, orders: 10_000, bytes: 256 * 1024 * 1024 };

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const timeMs = integer(0, 8_640_000_000_000_000);

/** Records of the index, in the order of what happened. */
const records = {
  kept: object({
    t: literal('kept'),
    id: uuid,
    at: timeMs,
    /** SHA-256 of action, version and arguments. */
    what: text(64, { pattern: /^[0-9a-f]{64}$/ }),
    locks: list(text(200), 100),
    keys: list(text(16, { pattern: /^[0-9a-f]{16}$/ }), 20_000),
    /** What of it nobody can take back, or null. */
    lasting: nullable(text(500, { multiline: true })),
    bytes: integer(0, 2 ** 31),
  }),
  undone: object({ t: literal('undone'), id: uuid, by: uuid }),
  dropped: object({ t: literal('dropped'), id: uuid }),
} as const;
type IndexRecord = { [K in keyof typeof records]: Checked<(typeof records)[K]> }[keyof typeof records];
type Kept = Checked<(typeof records)['kept']>;

/** What an order changed, without the changes themselves. */
export interface UndoEntry extends Kept {
  /** The order that took it back, or null. */
  undoneBy: string | null;
}

/** What an undo must name again: the policy file and the approvals speak of it. */
export const undoneWhat = (order: {
  readonly action: string;
  readonly actionVersion: number;
  readonly args: unknown;
}): string => sha256Hex(canonicalJson([order.action, order.actionVersion, order.args]));

const REWRITE_AFTER_BYTES = 4 * 1024 * 1024;

function parseRecord(value: unknown): IndexRecord | null {
  const type = (value as { t?: unknown } | null)?.t;
  if (typeof type !== 'string' || !Object.hasOwn(records, type)) return null;
  const parsed = parseWith<IndexRecord>(records[type as keyof typeof records], value);
  return parsed.ok ? parsed.value : null;
}

/** A lock of one thing (`account:NAME`), as opposed to one of a whole service (`apache`). */
const isOfOneThing = (lock: string): boolean => lock.includes(':');

/**
 * What orders changed that were carried out successfully, so that they can be undone (rule ORDER12): the changes in one
 * file an order, and an index. What is lost here costs an undo, never more: the order journal does not need it.
 */
export class UndoStore {
  readonly #index: JournalFile;
  readonly #folder: UndoFolder;
  readonly #clock: Clock;
  readonly #limits: UndoLimits;
  /** The oldest first. */
  readonly #entries = new Map<string, UndoEntry>();
  #bytes = 0;
  #rewriteAtBytes = REWRITE_AFTER_BYTES;

  constructor(path: string, clock: Clock, limits: UndoLimits = UNDO_LIMITS) {
    this.#limits = limits;
    this.#folder = openUndoFolder(path);
    this.#clock = clock;
    const file = join(path, 'index');
    const opened = openJournalFile(file, () => join(path, `index.corrupt-${clock.nowMs()}`));
    this.#index = opened.file;
    for (const { value } of opened.records) {
      const record = parseRecord(value);
      if (record !== null) this.#load(record);
    }
    this.#prune();
    if (this.#index.sizeBytes > REWRITE_AFTER_BYTES) this.#rewrite();
    this.#folder.keepOnly(new Set(this.#entries.keys()));
  }

  /** On disk when it resolves. The same order again replaces what was kept of it. */
  async keep(
    order: { readonly id: string; readonly action: string; readonly actionVersion: number; readonly args: unknown },
    locks: readonly string[],
    changes: readonly Change[],
  ): Promise<void> {
    const { id } = order;
    if (this.#entries.has(id)) await this.forget(id);
    const last = changes.find(staysForGood);
    const record: Kept = {
      t: 'kept',
      id,
      at: this.#clock.nowMs(),
      what: undoneWhat(order),
      locks: locks.slice(0, 100),
      keys: changeKeys(changes).map((key) => sha256Hex(key).slice(0, 16)),
      lasting: last === undefined ? null : describeChange(last).title.slice(0, 500),
      bytes: this.#folder.write(id, changes),
    };
    this.#append(record);
    await this.#index.sync();
    this.#prune();
    if (this.#index.sizeBytes > this.#rewriteAtBytes) this.#rewrite();
  }

  find(id: string): UndoEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** Null when they are lost. */
  changesOf(id: string): readonly Change[] | null {
    const value = this.#folder.read(id);
    return Array.isArray(value) ? (value as readonly Change[]) : null;
  }

  /** Id of a later order that changed the same things and is not undone itself, the newest of them; or null. */
  laterThan(entry: UndoEntry): string | null {
    const locks = new Set(entry.locks.filter(isOfOneThing));
    const keys = new Set(entry.keys);
    let isLater = false;
    let found: string | null = null;
    for (const other of this.#entries.values()) {
      if (isLater && other.undoneBy === null && overlaps(other, locks, keys)) found = other.id;
      if (other.id === entry.id) isLater = true;
    }
    return found;
  }

  /** On disk when it resolves. */
  async undone(id: string, by: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.undoneBy !== null) return;
    this.#append({ t: 'undone', id, by });
    await this.#index.sync();
  }

  /** The order did not stay: a crash came between keeping its changes and its outcome. */
  async forget(id: string): Promise<void> {
    if (!this.#entries.has(id)) return;
    this.#append({ t: 'dropped', id });
    await this.#index.sync();
    this.#folder.remove(id);
  }

  close(): void {
    this.#index.close();
  }

  #append(record: IndexRecord): void {
    this.#index.append(record);
    this.#load(record);
  }

  #load(record: IndexRecord): void {
    const entry = this.#entries.get(record.id);
    if (record.t === 'kept') {
      this.#entries.delete(record.id);
      this.#entries.set(record.id, { ...record, undoneBy: null });
      this.#bytes += record.bytes - (entry?.bytes ?? 0);
      return;
    }
    if (entry === undefined) return;
    if (record.t === 'undone') {
      entry.undoneBy = record.by;
      return;
    }
    this.#entries.delete(record.id);
    this.#bytes -= entry.bytes;
  }

  #prune(): void {
    const { ageMs, orders, bytes } = this.#limits;
    const oldest = this.#clock.nowMs() - ageMs;
    for (const [id, { at }] of this.#entries) {
      const isOver = this.#entries.size > orders || this.#bytes > bytes || at < oldest;
      if (!isOver) return;
      this.#append({ t: 'dropped', id });
      this.#folder.remove(id);
    }
  }

  #rewrite(): void {
    const values: IndexRecord[] = [];
    for (const { undoneBy, ...kept } of this.#entries.values()) {
      values.push(kept);
      if (undoneBy !== null) values.push({ t: 'undone', id: kept.id, by: undoneBy });
    }
    this.#index.replace(values);
    this.#rewriteAtBytes = this.#index.sizeBytes + REWRITE_AFTER_BYTES;
  }
}

/** Nobody can take it back: it was said to be so, or the hoster's program has no counterpart. */
const staysForGood = (change: Change): boolean =>
  ((change.kind === 'resource' || change.kind === 'task') && change.irreversible === true) ||
  (change.kind === 'task' && change.task === 'custom.run' && 'canUndo' in change.args && !change.args.canUndo);

const overlaps = (other: UndoEntry, locks: ReadonlySet<string>, keys: ReadonlySet<string>): boolean =>
  other.locks.some((lock) => locks.has(lock)) || other.keys.some((key) => keys.has(key));
