import { closeCodeInfo, FRAME_TYPES, LIMITS, utf8, type FrameType, type ParsedMessage } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import { createFrameOpener, createFrameSealer, type FrameOpener, type FrameSealer } from './frame-cipher.ts';
import type { DirectionKey } from './link-keys.ts';
import type { SendOutcome } from './send-outcome.ts';
import type { Transport } from './transport.ts';

/**
 * An established link, the same on both sides: seals and opens frames, answers and sends pings, notices a dead peer,
 * holds the limits of what waits. It owns the transport from the handshake on; its owner passes in what arrives.
 */

export type BodyType = Exclude<FrameType, 1>;
interface Ping {
  readonly t: 'ping';
  readonly sentAt: number;
}
interface Pong {
  readonly t: 'pong';
  readonly sentAt: number;
  readonly at: number;
}
/** Control messages of the other side, without those that the channel answers itself. */
export type ControlOf<In> = Exclude<In, Ping | Pong>;

/** Why a channel ended: `code` as sent or received; `why` for our own log. */
export interface ChannelEnd {
  readonly code: number;
  readonly why: string;
  readonly by: 'us' | 'them';
}

/** One answered ping: times of this side's monotonic and wall clock, and the other side's wall clock, all ms. */
export interface Echo {
  readonly roundTripMs: number;
  readonly theirNowMs: number;
  readonly ourNowMs: number;
}

export interface ChannelEvents<In> {
  /** `bytes`: size of its JSON, for the account of what waits. */
  control(message: ControlOf<In>, bytes: number): void;
  /** The body belongs to the callee. */
  body(type: BodyType, body: Uint8Array): void;
  /** An answer to our ping (rule LIFE6). */
  echo?(echo: Echo): void;
  /** Once; nothing is called after it. */
  ended(end: ChannelEnd): void;
}

export interface ChannelOptions<In> {
  readonly transport: Transport;
  /** Keys of the frames that we send and of those that come. */
  readonly keys: { readonly send: DirectionKey; readonly receive: DirectionKey };
  readonly clock: Clock;
  parse(source: string): ParsedMessage<In>;
  readonly events: ChannelEvents<In>;
  /** Only a test says other than the protocol's limits. */
  readonly sequenceEnd?: number;
}

export interface ChannelCounts {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Rule FRAME6. */
  unknownMessages: number;
}

export interface FrameChannel {
  readonly isOpen: boolean;
  readonly counts: Readonly<ChannelCounts>;
  readonly bufferedBytes: number;
  sendControl(message: object): SendOutcome;
  send(type: BodyType, body: Uint8Array): SendOutcome;
  /** Asks for the other side's time now; pings for life are sent without being asked (rule LIFE4). */
  ping(): void;
  /** Calls once, at once when less than 8 MiB wait, and also when the channel ends. */
  onceDrained(callback: () => void): void;
  /** Stops reading from the other side, which then feels it; the dead-peer clock stands still meanwhile. */
  pauseReading(): void;
  resumeReading(): void;
  /** Ends it with a code of `close-codes.ts`; `why` stays here. */
  close(code: number, why: string): void;
  /** What the transport delivers. */
  receive(message: Uint8Array): void;
  receiveText(): void;
  /** The transport is gone. */
  transportClosed(code: number): void;
}

/** Takes the transport over; the link is established. */
export function createFrameChannel<In extends { readonly t: string }>(options: ChannelOptions<In>): FrameChannel {
  return new EstablishedChannel(options);
}

const isPing = (message: { readonly t: string }): message is Ping => message.t === 'ping';
const isPong = (message: { readonly t: string }): message is Pong => message.t === 'pong';

class EstablishedChannel<In extends { readonly t: string }> implements FrameChannel {
  readonly counts: ChannelCounts = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, unknownMessages: 0 };
  readonly #options: ChannelOptions<In>;
  readonly #sealer: FrameSealer;
  readonly #opener: FrameOpener;
  #isOpen = true;
  #drained: (() => void)[] = [];
  /** Frames sent while more than the limit waited and not yet written: the last of them to go calls `#drained`. */
  #fullWrites = 0;
  #lastSentMs: number;
  #lastReceivedMs: number;
  #isPaused = false;
  /** Monotonic time of the ping that waits for its pong, or null. */
  #pingedAtMs: number | null = null;
  #watch: Timer;

  constructor(options: ChannelOptions<In>) {
    this.#options = options;
    this.#sealer = createFrameSealer(options.keys.send, options.sequenceEnd);
    this.#opener = createFrameOpener(options.keys.receive, options.sequenceEnd);
    this.#lastSentMs = options.clock.monotonicMs();
    this.#lastReceivedMs = this.#lastSentMs;
    this.#watch = options.clock.after(LIMITS.pingAfterMs, () => this.#keepWatch());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bufferedBytes(): number {
    return this.#options.transport.bufferedBytes;
  }

  sendControl(message: object): SendOutcome {
    return this.#send(FRAME_TYPES.control, utf8(JSON.stringify(message)));
  }

  send(type: BodyType, body: Uint8Array): SendOutcome {
    return this.#send(type, body);
  }

  ping(): void {
    if (!this.#isOpen) return;
    this.#pingedAtMs = this.#options.clock.monotonicMs();
    this.sendControl({ t: 'ping', sentAt: this.#pingedAtMs });
  }

  onceDrained(callback: () => void): void {
    if (!this.#isOpen || this.#fullWrites === 0) callback();
    else this.#drained.push(callback);
  }

  pauseReading(): void {
    if (!this.#isOpen || this.#isPaused) return;
    this.#isPaused = true;
    this.#options.transport.pause();
  }

  resumeReading(): void {
    if (!this.#isOpen || !this.#isPaused) return;
    this.#isPaused = false;
    this.#lastReceivedMs = this.#options.clock.monotonicMs();
    this.#options.transport.resume();
  }

  close(code: number, why: string): void {
    if (!this.#isOpen) return;
    this.#options.transport.close(code, closeCodeInfo(code).says);
    this.#end({ code, why, by: 'us' });
  }

  receive(message: Uint8Array): void {
    if (!this.#isOpen) return;
    const opened = this.#opener.open(message);
    if (!opened.ok) {
      this.close(opened.close, opened.why);
      return;
    }
    this.#lastReceivedMs = this.#options.clock.monotonicMs();
    this.counts.framesIn += 1;
    this.counts.bytesIn += message.length;
    if (opened.type === FRAME_TYPES.control) this.#control(opened.body);
    else this.#options.events.body(opened.type, opened.body);
  }

  receiveText(): void {
    this.close(4400, 'a text message');
  }

  transportClosed(code: number): void {
    this.#end({ code, why: closeCodeInfo(code).says, by: 'them' });
  }

  #send(type: FrameType, body: Uint8Array): SendOutcome {
    if (!this.#isOpen) return 'closed';
    const { transport, clock } = this.#options;
    const frame = this.#sealer.seal(type, body);
    if (frame === null) {
      this.close(4410, 'the keys of this link are used up');
      return 'closed';
    }
    this.counts.framesOut += 1;
    this.counts.bytesOut += frame.length;
    this.#lastSentMs = clock.monotonicMs();
    const isFull = transport.bufferedBytes + frame.length > LIMITS.bufferPauseBytes;
    if (isFull) this.#fullWrites += 1;
    transport.send(frame, isFull ? () => this.#written() : undefined);
    if (transport.bufferedBytes > LIMITS.bufferCloseBytes) {
      this.close(4409, `${transport.bufferedBytes} bytes wait to be sent`);
      return 'closed';
    }
    return isFull ? 'stop' : 'sent';
  }

  #written(): void {
    this.#fullWrites -= 1;
    if (this.#fullWrites === 0) this.#callDrained();
  }

  #callDrained(): void {
    const callbacks = this.#drained;
    this.#drained = [];
    for (const callback of callbacks) callback();
  }

  #control(body: Uint8Array): void {
    const parsed = this.#options.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
    if (parsed.ok === 'unknown-type') this.counts.unknownMessages += 1;
    else if (!parsed.ok) this.close(4400, `control message: ${parsed.problem}`);
    else this.#dispatch(parsed.value, body.length);
  }

  #dispatch(message: In | Ping | Pong, bytes: number): void {
    const { clock, events } = this.#options;
    if (isPing(message)) this.sendControl({ t: 'pong', sentAt: message.sentAt, at: clock.nowMs() });
    else if (!isPong(message)) events.control(message as ControlOf<In>, bytes);
    else if (this.#pingedAtMs !== null && message.sentAt === this.#pingedAtMs) {
      const roundTripMs = clock.monotonicMs() - this.#pingedAtMs;
      this.#pingedAtMs = null;
      events.echo?.({ roundTripMs, theirNowMs: message.at, ourNowMs: clock.nowMs() });
    }
  }

  /** One timer for both deadlines of rule LIFE4, set anew only when it fires: traffic itself costs nothing. */
  #keepWatch(): void {
    const { clock, transport } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#isPaused) this.#lastReceivedMs = nowMs;
    if (nowMs - this.#lastReceivedMs >= LIMITS.deadAfterMs) {
      transport.destroy();
      this.#end({ code: 1006, why: `nothing was received for ${LIMITS.deadAfterMs / 1000} s`, by: 'us' });
      return;
    }
    if (nowMs - this.#lastSentMs >= LIMITS.pingAfterMs) this.ping();
    if (!this.#isOpen) return;
    const dueMs = Math.min(this.#lastSentMs + LIMITS.pingAfterMs, this.#lastReceivedMs + LIMITS.deadAfterMs);
    this.#watch = clock.after(Math.max(1, dueMs - nowMs), () => this.#keepWatch());
  }

  #end(end: ChannelEnd): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.cancel();
    this.#callDrained();
    this.#options.events.ended(end);
  }
}
