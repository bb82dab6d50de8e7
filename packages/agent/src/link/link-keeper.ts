import { closeCodeInfo, LIMITS, type ControllerMessage, type LinkItem } from '@hauban/shared/protocol';
import { fullJitterMs, type Clock, type Random, type Timer } from '@hauban/shared/time';
import { HaubanError } from '@hauban/shared/errors';
import type { BodyType, ControlOf, Echo, ExpectedController, FrameChannel, KeyPair } from '@hauban/link';
import type { Dial } from './dial.ts';
import type { JoinLedger } from './join-ledger.ts';
import { LinkAttempt, type AttemptEnd } from './link-attempt.ts';
import type { LinkLog } from './link-log.ts';

export type ReadyMessage = Extract<ControllerMessage, { t: 'ready' }>;
/** Control messages of a link that is up. */
export type OnlineMessage = Exclude<ControlOf<ControllerMessage>, { t: 'ready' | 'enrolled' | 'enrol.refused' }>;

/** Who this node is and whom it trusts; read anew for every attempt, so that a new enrolment counts without a restart. */
export interface LinkIdentity {
  readonly url: string;
  /** Certificates (PEM) for TLS; null: those that Node ships. */
  readonly ca: string | null;
  readonly nodeId: string;
  readonly key: KeyPair;
  /** Link keys before that one, newest first: for a controller that was restored from a backup (rule KEYS11). */
  readonly formerKeys: readonly KeyPair[];
}

/** The link keys of the controller that this node goes by. */
export interface ExpectedKeys {
  /** Throws HaubanError when its file is not usable. */
  expected(): ExpectedController;
  follow(items: readonly LinkItem[]): Promise<boolean>;
}

export interface LinkKeeperDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LinkLog;
  /** Throws HaubanError when the files are missing or not usable. */
  loadIdentity(): LinkIdentity;
  readonly controllerKeys: ExpectedKeys;
  dialWith(ca: string | null): Dial;
  /**
   * Calls when trust or key files change; for a link that was refused (rule LIFE5). Only makes it faster: what it does
   * not tell is seen by `LOOK_MS`. HaubanError when they cannot be watched.
   */
  watchFiles(changed: () => void): { close(): void };
  readonly join: JoinLedger;
  readonly events: LinkKeeperEvents;
}

export interface LinkKeeperEvents {
  ready(channel: FrameChannel, ready: ReadyMessage): void;
  control(message: OnlineMessage): void;
  /** The body belongs to the callee. */
  body(type: BodyType, body: Uint8Array): void;
  echo(echo: Echo): void;
  /** After `ready`, once. */
  lost(): void;
  /** The first attempt has come to something: online, or not yet. */
  settled(): void;
}

/**
 * Keeps one link up, for ever:
 *
 *   idle -> dialling -> greeting -> opening -> online
 *             ^  any end whose code allows it: waiting (full jitter) --+
 *             +--------------------------------------------------------+
 *   an end whose code forbids it: refused, until the files change or an hour is over
 *
 * A field exists only in the state that has it.
 */
type State =
  | { readonly at: 'idle' }
  | { readonly at: 'trying'; readonly attempt: LinkAttempt }
  | { readonly at: 'opening'; readonly attempt: LinkAttempt; readonly channel: FrameChannel; readonly deadline: Timer }
  | { readonly at: 'online'; readonly attempt: LinkAttempt; readonly sinceMs: number }
  | { readonly at: 'waiting'; readonly timer: Timer }
  | {
      readonly at: 'refused';
      readonly timer: Timer;
      readonly watch: { close(): void };
      /** Replaced each time it has looked. */
      look: Timer;
    };

/** How often a refused node holds its files against those that were refused. */
const LOOK_MS = 2_000;

/** What the controller judges a node by, as text; null: not usable. */
const traitsOf = (identity: LinkIdentity | null): string | null =>
  identity === null
    ? null
    : JSON.stringify({
        ...identity,
        key: identity.key.publicText,
        formerKeys: identity.formerKeys.map(({ publicText }) => publicText),
      });

export type LinkPhase = 'idle' | 'dialling' | 'greeting' | 'opening' | 'online' | 'waiting' | 'refused';

export class LinkKeeper {
  readonly #deps: LinkKeeperDeps;
  #state: State = { at: 'idle' };
  /** Attempts since the last link that lived long enough. */
  #failures = 0;
  #isSettled = false;
  /** Number of the attempt that counts; what an older one says is not heard. */
  #attempts = 0;
  /** Which of the node's keys is tried: 0 the current one, then those before it. */
  #keyAt = 0;
  #usedKey: KeyPair | null = null;

  constructor(deps: LinkKeeperDeps) {
    this.#deps = deps;
  }

  get phase(): LinkPhase {
    const state = this.#state;
    if (state.at !== 'trying') return state.at;
    return state.attempt.at === 'dialling' ? 'dialling' : 'greeting';
  }

  /** The key of the last attempt. */
  get usedKey(): KeyPair | null {
    return this.#usedKey;
  }

  start(): void {
    if (this.#state.at === 'idle') this.#dial();
  }

  /** Says goodbye and stays idle. */
  stop(): void {
    const state = this.#state;
    this.#rest(state);
    this.#attempts += 1;
    this.#state = { at: 'idle' };
    if ('attempt' in state) state.attempt.close(1000, 'the link process stops');
    if (state.at === 'online') this.#deps.events.lost();
  }

  /** Ends what belongs to a state that is left. */
  #rest(state: State): void {
    if (state.at === 'opening') state.deadline.cancel();
    if (state.at === 'waiting' || state.at === 'refused') state.timer.cancel();
    if (state.at === 'refused') {
      state.watch.close();
      state.look.cancel();
    }
  }

  #dial(): void {
    this.#rest(this.#state);
    const { clock, random, events, join } = this.#deps;
    const found = this.#identity();
    if (found === null) return;
    const { identity, expected } = found;
    const { url, nodeId } = identity;
    const { controllerKeys } = this.#deps;
    const follow = async (items: readonly LinkItem[]): Promise<ExpectedController> => {
      await controllerKeys.follow(items);
      return controllerKeys.expected();
    };
    const key = this.#chooseKey(identity);
    this.#attempts += 1;
    const number = this.#attempts;
    const attempt = new LinkAttempt(
      { dial: this.#deps.dialWith(identity.ca), clock, random, url, mode: 'node', nodeId, key, expected, follow, join },
      {
        established: (channel) => this.#opening(attempt, channel),
        control: (message) => this.#control(message),
        body: (type, body) => {
          if (this.#state.at === 'online') events.body(type, body);
          else attempt.close(4400, 'a frame before ready');
        },
        echo: (echo) => events.echo(echo),
        over: (end) => {
          if (number === this.#attempts) this.#over(end, identity);
        },
      },
    );
    // An attempt that failed at once has set the next state already.
    if (attempt.at !== 'over') this.#state = { at: 'trying', attempt };
  }

  #identity(): { readonly identity: LinkIdentity; readonly expected: ExpectedController } | null {
    try {
      return { identity: this.#deps.loadIdentity(), expected: this.#deps.controllerKeys.expected() };
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.#deps.log.error({ code: error.code, detail: error.detail }, 'the link cannot be made with these files');
      this.#refused(null);
      return null;
    }
  }

  #opening(attempt: LinkAttempt, channel: FrameChannel): void {
    const deadline = this.#deps.clock.after(LIMITS.handshakeMs, () =>
      attempt.close(4408, `no ready within ${LIMITS.handshakeMs / 1000} s`),
    );
    this.#state = { at: 'opening', attempt, channel, deadline };
  }

  #control(message: ControlOf<ControllerMessage>): void {
    const state = this.#state;
    if (state.at === 'opening' && message.t === 'ready') {
      state.deadline.cancel();
      this.#deps.join.settled();
      this.#state = { at: 'online', attempt: state.attempt, sinceMs: this.#deps.clock.monotonicMs() };
      this.#deps.log.info({ session: message.session, epoch: message.epoch }, 'the link is up');
      this.#deps.events.ready(state.channel, message);
      this.#settle();
    } else if (
      state.at === 'online' &&
      message.t !== 'ready' &&
      message.t !== 'enrolled' &&
      message.t !== 'enrol.refused'
    )
      this.#deps.events.control(message);
    else if ('attempt' in state) state.attempt.close(4400, `${message.t} in phase ${this.phase}`);
  }

  /** A key that is gone was forgotten by a new enrolment: the current one is tried. */
  #chooseKey(identity: LinkIdentity): KeyPair {
    const former = this.#keyAt === 0 ? undefined : identity.formerKeys[this.#keyAt - 1];
    if (former === undefined) this.#keyAt = 0;
    this.#usedKey = former ?? identity.key;
    return this.#usedKey;
  }

  #over(end: AttemptEnd, identity: LinkIdentity): void {
    const hasOlderKey = this.#keyAt < identity.formerKeys.length;
    const { clock, random, log, events } = this.#deps;
    const state = this.#state;
    this.#rest(state);
    const info = closeCodeInfo(end.code);
    const wasOnline = state.at === 'online';
    if (state.at === 'online' && clock.monotonicMs() - state.sinceMs >= LIMITS.stableLinkMs) this.#failures = 0;
    const triesOlderKey = end.code === 4401 && end.by === 'them' && state.at === 'trying' && hasOlderKey;
    this.#keyAt = triesOlderKey ? this.#keyAt + 1 : info.mayReturn ? this.#keyAt : 0;
    if (!info.mayReturn && !triesOlderKey) {
      log.error({ code: end.code, by: end.by, why: end.why }, `the link is refused: ${info.says}`);
      this.#refused(identity);
    } else {
      const delayMs = fullJitterMs(this.#failures, random.unit(), LIMITS.reconnectBaseMs, LIMITS.reconnectCapMs);
      this.#failures += 1;
      log.warn({ code: end.code, by: end.by, why: end.why, delayMs }, 'the link is down');
      this.#state = { at: 'waiting', timer: clock.after(delayMs, () => this.#dial()) };
    }
    if (wasOnline) events.lost();
    this.#settle();
  }

  /** @param tried what was refused; null: files that could not be used */
  #refused(tried: LinkIdentity | null): void {
    const again = (): void => this.#dial();
    this.#state = {
      at: 'refused',
      timer: this.#deps.clock.after(LIMITS.refusedRetryMs, again),
      watch: this.#watch(again),
      look: this.#lookLater(traitsOf(tried)),
    };
    this.#settle();
  }

  #watch(changed: () => void): { close(): void } {
    try {
      return this.#deps.watchFiles(changed);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.#deps.log.warn({ code: error.code, detail: error.detail }, 'the files are looked at, not watched');
      return { close: () => undefined };
    }
  }

  /**
   * An enrolment writes several files and ends while an attempt with the first of them may be on its way, with nobody
   * watching: what was refused is held against what is there now.
   */
  #lookLater(refused: string | null): Timer {
    return this.#deps.clock.after(LOOK_MS, () => {
      const state = this.#state;
      if (state.at !== 'refused') return;
      const now = traitsOf(this.#usableIdentity());
      if (now === null || now === refused) {
        state.look = this.#lookLater(refused);
        return;
      }
      this.#failures = 0;
      this.#dial();
    });
  }

  #usableIdentity(): LinkIdentity | null {
    try {
      return this.#deps.loadIdentity();
    } catch (error) {
      if (error instanceof HaubanError) return null;
      throw error;
    }
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#deps.events.settled();
  }
}
