import type { Clock, Timer } from '@hauban/shared/time';
import type { Echo, FrameChannel } from '@hauban/link';

/** Clocks drift slowly: a question now and then is enough, and each costs two frames. */
const ASK_EVERY_MS = 300_000;

/** The node's clock less the controller's, ms, from answered pings (rule LIFE6): half the round trip is taken for the way back. */
export class ClockOffset {
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #offsetMs = Number.NaN;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** NaN while unknown. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  linkUp(channel: FrameChannel): void {
    channel.ping();
    this.#timer = this.#clock.every(ASK_EVERY_MS, () => channel.ping());
  }

  linkDown(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  echo({ ourNowMs, theirNowMs, roundTripMs }: Echo): void {
    this.#offsetMs = ourNowMs - (theirNowMs + roundTripMs / 2);
  }
}
