import type { Clock, Timer } from '@hauban/shared/time';
import { unfinishedTail } from './utf8-boundary.ts';

/**
 * The first bytes after a pause go on at once, so that a key's echo waits for nothing (a batching timer alone cost 5 ms
 * on every key when measured); what follows within `BATCH_MS` is joined, since a terminal hands out 4 KiB at a time.
 */
const BATCH_MS = 2;
const BATCH_BYTES = 32 * 1024;
/** A UTF-8 sequence that the program does not finish within this is passed on as it is. */
const UNFINISHED_MS = 50;

/** Joins output into batches that do not end inside a UTF-8 sequence. */
export class OutputBatch {
  readonly #clock: Clock;
  readonly #flushed: (bytes: Buffer) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;

  constructor(clock: Clock, flushed: (bytes: Buffer) => void) {
    this.#clock = clock;
    this.#flushed = flushed;
  }

  add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    const sinceMs = this.#clock.monotonicMs() - this.#lastFlushMs;
    if (sinceMs >= BATCH_MS || this.#bytes >= BATCH_BYTES) this.#flush(false);
    else this.#timer ??= this.#clock.after(BATCH_MS, () => this.#flush(false));
  }

  /** Hands over everything, finished or not; for the end of the output. */
  end(): void {
    this.#flush(true);
  }

  #flush(isLast: boolean): void {
    this.#timer?.cancel();
    this.#timer = null;
    const all =
      this.#pieces.length === 1 && this.#pieces[0] !== undefined ? this.#pieces[0] : Buffer.concat(this.#pieces);
    const kept = isLast ? 0 : unfinishedTail(all);
    this.#pieces = kept === 0 ? [] : [Buffer.from(all.subarray(all.length - kept))];
    this.#bytes = kept;
    if (kept > 0) this.#timer = this.#clock.after(UNFINISHED_MS, () => this.#flush(true));
    if (all.length === kept) return;
    this.#lastFlushMs = this.#clock.monotonicMs();
    this.#flushed(all.subarray(0, all.length - kept));
  }
}
