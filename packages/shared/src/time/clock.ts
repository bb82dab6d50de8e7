/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as an argument. Real clocks live in the packages; tests use `FakeClock` of `@hauban/shared/testing`.
 * `nowMs` is Unix time in ms (may jump); `monotonicMs` never goes back and has no meaning across processes.
 */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
  /** Calls once after `delayMs`. The callback must not throw. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls every `periodMs` until cancelled. The callback must not throw. */
  every(periodMs: number, callback: () => void): Timer;
}

/** Randomness as an argument. `bytes` must be cryptographically strong in production; `unit` is in [0, 1). */
export interface Random {
  bytes(length: number): Uint8Array;
  unit(): number;
}
