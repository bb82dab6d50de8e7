/**
 * A growing buffer for the codecs. Integers are LEB128 varints of at most 8 bytes (0 to 2^53 - 1); signed ones are
 * zigzag-coded first (0, -1, 1, -2, ... become 0, 1, 2, 3, ...).
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  varint(value: number): void {
    this.#reserve(8);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value;
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#length = at;
  }

  zigzag(value: number): void {
    this.varint(zigzagOf(value));
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** `count` zero bytes; returns their position, to be filled with `orAt`. */
  zeros(count: number): number {
    this.#reserve(count);
    this.#bytes.fill(0, this.#length, this.#length + count);
    this.#length += count;
    return this.#length - count;
  }

  orAt(position: number, bits: number): void {
    this.#bytes[position] = (this.#bytes[position] ?? 0) | bits;
  }

  /** A view that the next write may change. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy that belongs to the caller. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** |value| must be below 2^52. */
export const zigzagOf = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);

/** Bytes that `varint` takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let limit = 128; value >= limit; limit *= 128) size += 1;
  return size;
}
