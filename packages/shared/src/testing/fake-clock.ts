import type { Clock, Timer } from '../time/clock.ts';

interface Entry {
  dueMs: number;
  readonly periodMs: number | null;
  readonly callback: () => void;
}

/** A clock that moves only when the test says so. Timers fire in due order inside `advance`. */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  readonly #entries = new Set<Entry>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#add({ dueMs: this.#monotonicMs + Math.max(0, delayMs), periodMs: null, callback });
  }

  every(periodMs: number, callback: () => void): Timer {
    return this.#add({ dueMs: this.#monotonicMs + periodMs, periodMs, callback });
  }

  /** Number of timers still waiting; a test that ends with more than 0 has a leak. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Moves both clocks forward and fires what falls due, in order. */
  advance(byMs: number): void {
    const endMs = this.#monotonicMs + byMs;
    for (;;) {
      const next = [...this.#entries].filter((entry) => entry.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#nowMs += next.dueMs - this.#monotonicMs;
      this.#monotonicMs = next.dueMs;
      if (next.periodMs === null) this.#entries.delete(next);
      else next.dueMs += next.periodMs;
      next.callback();
    }
    this.#nowMs += endMs - this.#monotonicMs;
    this.#monotonicMs = endMs;
  }

  /** Jumps the wall clock only, as NTP or an operator does. */
  jumpWall(byMs: number): void {
    this.#nowMs += byMs;
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }
}
