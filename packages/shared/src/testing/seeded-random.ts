import type { Random } from '../time/clock.ts';

/** Deterministic randomness for tests (mulberry32): the same seed gives the same run. Never for keys. */
export class SeededRandom implements Random {
  #state: number;

  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) out[i] = Math.floor(this.unit() * 256);
    return out;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }
}
