import {
  closeCodeInfo,
  LIMITS,
  parseControllerMessage,
  type ControllerMessage,
  type LinkItem,
  type LinkMode,
} from '@hauban/shared/protocol';
import type { Clock, Random, Timer } from '@hauban/shared/time';
import {
  answerWelcome,
  createFrameChannel,
  linkItemsIn,
  startHandshake,
  type BodyType,
  type ControlOf,
  type Echo,
  type ExpectedController,
  type FrameChannel,
  type KeyPair,
  type ReadExporter,
  type SentHello,
  type Transport,
} from '@hauban/link';
import type { Dial } from './dial.ts';
import type { JoinLedger } from './join-ledger.ts';

export interface AttemptOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly url: string;
  readonly mode: LinkMode;
  /** Empty in mode `enrol`. */
  readonly nodeId: string;
  readonly key: KeyPair;
  readonly expected: ExpectedController;
  /** Takes up steps to another link key of the controller, and says who is expected then (rule KEYS20). Null in mode `enrol`. */
  readonly follow: ((items: readonly LinkItem[]) => Promise<ExpectedController>) | null;
  /** Null in mode `enrol`. */
  readonly join: JoinLedger | null;
}

export interface AttemptEnd {
  /** Of `close-codes.ts`; 1006 also when the controller could not be reached. */
  readonly code: number;
  readonly why: string;
  readonly by: 'us' | 'them';
}

export interface AttemptEvents {
  /** The controller is who it should be and knows our key; frames may be sent. */
  established(channel: FrameChannel, controller: { readonly id: string; readonly key: string }): void;
  control(message: ControlOf<ControllerMessage>): void;
  /** The body belongs to the callee. */
  body(type: BodyType, body: Uint8Array): void;
  echo(echo: Echo): void;
  /** Once, whatever happened; nothing is called after it. */
  over(end: AttemptEnd): void;
}

/** One connection, from dialling to its end: dialling -> greeting -> established -> over. A field exists only in the state that has it. */
type State =
  | { readonly at: 'dialling'; readonly abort: () => void }
  | {
      readonly at: 'greeting';
      readonly transport: Transport;
      readonly exporter: ReadExporter;
      readonly sent: SentHello;
    }
  | { readonly at: 'established'; readonly channel: FrameChannel }
  | { readonly at: 'over' };

export class LinkAttempt {
  readonly #options: AttemptOptions;
  readonly #events: AttemptEvents;
  #deadline: Timer | null = null;
  #isFollowing = false;
  #state: State;

  constructor(options: AttemptOptions, events: AttemptEvents) {
    this.#options = options;
    this.#events = events;
    // Never the state of a running attempt: a dial that fails at once finds something to end.
    this.#state = { at: 'dialling', abort: () => undefined };
    const dialling = options.dial(options.url, {
      opened: (transport, exporter) => this.#greet(transport, exporter),
      failed: (why) => this.#finish({ code: 1006, why: `the controller cannot be reached: ${why}`, by: 'them' }),
      message: (bytes) => this.#message(bytes),
      text: () => this.#text(),
      closed: (code) => this.#closed(code),
    });
    if (this.#state.at === 'dialling') this.#state = { at: 'dialling', abort: () => dialling.abort() };
  }

  get at(): State['at'] {
    return this.#state.at;
  }

  /** Ends it from our side. */
  close(code: number, why: string): void {
    const state = this.#state;
    switch (state.at) {
      case 'dialling':
        this.#finish({ code, why, by: 'us' });
        state.abort();
        return;
      case 'greeting':
        state.transport.close(code, closeCodeInfo(code).says);
        return this.#finish({ code, why, by: 'us' });
      case 'established':
        return state.channel.close(code, why);
      case 'over':
        return undefined;
    }
  }

  #greet(transport: Transport, exporter: ReadExporter): void {
    if (this.#state.at !== 'dialling') {
      transport.destroy();
      return;
    }
    const { mode, nodeId, key, random, clock } = this.#options;
    const join = this.#options.join?.claim(nodeId);
    const { expected } = this.#options;
    const pinned = expected.by === 'key' ? expected.linkKey : '';
    const sent = startHandshake({ mode, nodeId, key, random, pinned, ...(join === undefined ? {} : { join }) });
    this.#state = { at: 'greeting', transport, exporter, sent };
    this.#deadline = clock.after(LIMITS.handshakeMs, () =>
      this.close(4408, `no answer to the hello within ${LIMITS.handshakeMs / 1000} s`),
    );
    transport.send(sent.message);
  }

  #message(bytes: Uint8Array): void {
    const state = this.#state;
    if (state.at === 'established') state.channel.receive(bytes);
    else if (state.at === 'greeting') this.#hear(state, bytes);
  }

  /** A welcome by a key that is not known yet says how it follows on the one that is. */
  #hear(state: Extract<State, { at: 'greeting' }>, bytes: Uint8Array): void {
    const { follow, expected } = this.#options;
    const items = follow === null ? [] : linkItemsIn(bytes);
    if (follow === null || items.length === 0) return this.#welcomed(state, bytes, expected);
    if (this.#isFollowing) return this.close(4400, 'a message before the proof');
    this.#isFollowing = true;
    follow(items).then(
      (now) => {
        if (this.#state === state) this.#welcomed(state, bytes, now);
      },
      (error: unknown) => this.close(1011, `the keys of the controller cannot be followed: ${String(error)}`),
    );
    return undefined;
  }

  #welcomed(state: Extract<State, { at: 'greeting' }>, bytes: Uint8Array, expected: ExpectedController): void {
    const answer = answerWelcome(state.sent, bytes, expected, state.exporter);
    if (!answer.ok) return this.close(answer.close, answer.why);
    this.#deadline?.cancel();
    const { joinMark: mark, joined } = answer;
    // Stored before the controller can count this link (rule KEYS5).
    this.#options.join?.step({ counter: state.sent.hello.join.counter, mark, joined });
    state.transport.send(answer.proof);
    const channel = createFrameChannel<ControllerMessage>({
      transport: state.transport,
      keys: { send: answer.keys.node, receive: answer.keys.controller },
      clock: this.#options.clock,
      parse: parseControllerMessage,
      events: {
        control: (message) => this.#events.control(message),
        body: (type, body) => this.#events.body(type, body),
        echo: (echo) => this.#events.echo(echo),
        ended: (end) => this.#finish(end),
      },
    });
    this.#state = { at: 'established', channel };
    this.#events.established(channel, { id: answer.controllerId, key: answer.controllerKey });
    return undefined;
  }

  #text(): void {
    const state = this.#state;
    if (state.at === 'established') state.channel.receiveText();
    else this.close(4400, 'a text message');
  }

  #closed(code: number): void {
    const state = this.#state;
    if (state.at === 'established') state.channel.transportClosed(code);
    else this.#finish({ code, why: closeCodeInfo(code).says, by: 'them' });
  }

  #finish(end: AttemptEnd): void {
    if (this.#state.at === 'over') return;
    this.#state = { at: 'over' };
    this.#deadline?.cancel();
    this.#events.over(end);
  }
}
