import { LIMITS } from '@hauban/shared/protocol';

export interface OutputPiece {
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface OutputLimits {
  /** Output beyond the viewer's credit (rule SHELL4). */
  readonly windowBytes: number;
  /** Output kept for a viewer that comes back (rule SHELL5). */
  readonly replayBytes: number;
  /** Largest piece sent at once. */
  readonly pieceBytes: number;
}

const OUTPUT_LIMITS: OutputLimits = {
  windowBytes: LIMITS.shellWindowBytes,
  replayBytes: LIMITS.shellReplayBytes,
  pieceBytes: 64 * 1024,
};

/**
 * The output of one shell by byte offset: the last of it is kept, and the viewer gets it as far as it has paid.
 *
 * Offsets: `start` (oldest byte kept) <= `paid` (viewer consumed up to here) <= `sent` <= `end` (all output so far).
 * Without a viewer only `start` and `end` move.
 */
export class OutputWindow {
  readonly #limits: OutputLimits;
  #kept: Uint8Array[] = [];
  #start = 0;
  #end = 0;
  #sent = 0;
  #paid = 0;
  #isAttached = false;

  constructor(limits: OutputLimits = OUTPUT_LIMITS) {
    this.#limits = limits;
  }

  get end(): number {
    return this.#end;
  }

  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** With a viewer: only while less than a window is unpaid. Without: always, the oldest is dropped. */
  get mayRead(): boolean {
    return !this.#isAttached || this.#end - this.#paid < this.#limits.windowBytes;
  }

  /** Has the viewer been sent all there is? */
  get isDrained(): boolean {
    return this.#isAttached && this.#sent === this.#end;
  }

  append(bytes: Uint8Array): void {
    this.#kept.push(bytes);
    this.#end += bytes.length;
    for (let oldest = this.#kept[0]; oldest !== undefined; oldest = this.#kept[0]) {
      const start = this.#start + oldest.length;
      // What an attached viewer has not been sent is kept longer: it is a window and what was under way, no more.
      if (this.#end - start < this.#limits.replayBytes || (this.#isAttached && start > this.#sent)) break;
      this.#kept.shift();
      this.#start = start;
    }
  }

  /** A viewer wants output from `offset` on; outside of what is kept it gets the nearest. @returns where it goes on */
  attach(offset: number): number {
    this.#isAttached = true;
    this.#sent = Math.min(Math.max(offset, this.#start), this.#end);
    this.#paid = this.#sent;
    return this.#sent;
  }

  detach(): void {
    this.#isAttached = false;
  }

  /** Credit beyond what was sent is not believed. */
  pay(bytes: number): void {
    this.#paid = Math.min(this.#paid + bytes, this.#sent);
  }

  /** The next piece to send, or null when there is none or it is not paid for. */
  take(): OutputPiece | null {
    const room = this.#limits.windowBytes - (this.#sent - this.#paid);
    const length = Math.min(room, this.#limits.pieceBytes, this.#end - this.#sent);
    if (!this.#isAttached || length <= 0) return null;
    const offset = this.#sent;
    this.#sent += length;
    return { offset, data: this.#slice(offset, length) };
  }

  #slice(offset: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    let at = this.#start;
    for (const part of this.#kept) {
      const from = Math.max(0, offset - at);
      const to = Math.min(part.length, offset + length - at);
      if (to > from) out.set(part.subarray(from, to), at + from - offset);
      at += part.length;
      if (at >= offset + length) break;
    }
    return out;
  }
}
