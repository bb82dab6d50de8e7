import type { Clock, Timer } from '@hauban/shared/time';
import { unfinishedTail } from './utf8-boundary.ts';

/**
 * A key's echo and a line of output go on at once: a batching timer alone cost 5 ms on every key when measured. What
 * comes beyond `EAGER_BYTES` within one window is joined until the window ends, since a terminal hands out 4 KiB at a time.
 */
const WINDOW_MS = 2;
const EAGER_BYTES = 4096;
const BATCH_BYTES = 32 * 1024;
/** A UTF-8 sequence that the program does not finish within this is passed on as it is. */
const UNFINISHED_MS = 50;

/** Joins output into batches that do not end inside a UTF-8 sequence. */
export class OutputBatch {
  readonly #clock: Clock;
  readonly #flushed: (bytes: Buffer) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  /** Passed on since the window began. */
  #windowBytes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, flushed: (bytes: Buffer) => void) {
    this.#clock = clock;
    this.#flushed = flushed;
  }

  add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#windowBytes = 0;
    }
    if (this.#bytes >= BATCH_BYTES || this.#windowBytes + this.#bytes <= EAGER_BYTES) this.#flush(false);
    else this.#timer ??= this.#clock.after(WINDOW_MS, () => this.#flush(false));
  }

  /** Hands over everything, finished or not; for the end of the output. */
  end(): void {
    this.#flush(true);
  }

  #flush(isLast: boolean): void {
    this.#timer?.cancel();
    this.#timer = null;
    const [first] = this.#pieces;
    const all = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces);
    const kept = isLast ? 0 : unfinishedTail(all);
    this.#pieces = kept === 0 ? [] : [Buffer.from(all.subarray(all.length - kept))];
    this.#bytes = kept;
    if (kept > 0) this.#timer = this.#clock.after(UNFINISHED_MS, () => this.#flush(true));
    if (all.length === kept) return;
    this.#windowBytes += all.length - kept;
    this.#flushed(all.subarray(0, all.length - kept));
  }
}
