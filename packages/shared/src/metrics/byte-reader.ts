/**
 * Reads what `ByteWriter` wrote, out of bytes that may be anything: a read beyond the end or a number above 2^53 - 1
 * sets `failed` and gives 0, so that a decoder may check once per group instead of once per byte. Never throws.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** True when everything was read and nothing went wrong. */
  get isAtEnd(): boolean {
    return !this.failed && this.#at === this.#bytes.length;
  }

  u8(): number {
    if (this.#at >= this.#bytes.length) {
      this.failed = true;
      return 0;
    }
    return this.#bytes[this.#at++] ?? 0;
  }

  varint(): number {
    const bytes = this.#bytes;
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 8; i += 1) {
      if (this.#at >= bytes.length) break;
      const byte = bytes[this.#at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (value <= Number.MAX_SAFE_INTEGER) return value;
        break;
      }
      factor *= 128;
    }
    this.failed = true;
    return 0;
  }

  zigzag(): number {
    return unzigzag(this.varint());
  }

  /** A view of the next `count` bytes; empty and failed when there are fewer. */
  raw(count: number): Uint8Array {
    if (count > this.left) {
      this.failed = true;
      return this.#bytes.subarray(0, 0);
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}

export const unzigzag = (code: number): number => (code % 2 === 1 ? -(code + 1) / 2 : code / 2);
