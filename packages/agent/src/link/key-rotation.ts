import type { ControllerMessage } from '@hauban/shared/protocol';
import type { Clock, Random, Timer } from '@hauban/shared/time';
import { HaubanError } from '@hauban/shared/errors';
import { signKeyRotation, type FrameChannel, type KeyPair } from '@hauban/link';
import type { LinkLog } from './link-log.ts';

/** The link key's files. What each returns is on disk. */
export interface LinkKeyStore {
  current(): KeyPair;
  /** When the current key was made, Unix ms. */
  madeAtMs(): number;
  /** The key that shall take over: the one of an attempt that was not finished, or a new one. */
  next(): KeyPair;
  hasNext(): boolean;
  /** Puts the next key in the place of the current one. */
  adoptNext(): void;
}

export interface KeyRotationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LinkLog;
  readonly store: LinkKeyStore;
  nodeId(): string;
  /** The key that the controller knows: the current one, or one before it when the controller was restored (rule KEYS11). */
  usedKey(): KeyPair | null;
  /** How old a key may become; default: a day. */
  readonly periodMs?: number;
}

type Answer = Extract<ControllerMessage, { t: 'key.rotated' | 'key.refused' }>;

const DAY_MS = 86_400_000;
/** A fleet that was switched on together does not rotate together. */
const SPREAD_RATIO = 0.1;
/** A refused proposal is made again after this. */
const REFUSED_WAIT_MS = 3_600_000;

/**
 * Replaces the node's link key while the link is up (rules KEYS8 to KEYS11). The link goes on with its own keys; the
 * new link key is used from the next handshake on. Each step can be cut off by a crash and is repeated at the next link:
 *
 *   next key on disk -> proposed -> stored by the controller beside the old one -> answered -> it replaces the old one here
 *
 * Until the controller has seen the new key in a handshake it takes the old one as well, so a node that was killed
 * before the last step comes back with the old one and proposes the same key again.
 */
export class KeyRotation {
  readonly #deps: KeyRotationDeps;
  #timer: Timer | null = null;
  #channel: FrameChannel | null = null;

  constructor(deps: KeyRotationDeps) {
    this.#deps = deps;
  }

  linkUp(channel: FrameChannel): void {
    this.#channel = channel;
    const { store } = this.#deps;
    if (store.hasNext() || this.#before().publicText !== store.current().publicText) this.#propose(channel);
    else this.#schedule(channel);
  }

  linkDown(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#channel = null;
  }

  answered(answer: Answer): void {
    const { store, log } = this.#deps;
    const channel = this.#channel;
    if (channel === null || !store.hasNext() || store.next().publicText !== answer.linkKey) return;
    if (answer.t === 'key.refused') {
      log.error({ code: answer.code }, 'the controller refuses the new link key');
      this.#after(channel, REFUSED_WAIT_MS, () => this.#propose(channel));
      return;
    }
    this.#guarded(() => {
      store.adoptNext();
      log.info({}, 'the link key was replaced');
      this.#schedule(channel);
    });
  }

  #schedule(channel: FrameChannel): void {
    const { clock, random, store, periodMs = DAY_MS } = this.#deps;
    const leftMs = Math.max(0, store.madeAtMs() + periodMs - clock.nowMs());
    this.#after(channel, leftMs + random.unit() * periodMs * SPREAD_RATIO, () => this.#propose(channel));
  }

  #after(channel: FrameChannel, delayMs: number, work: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.after(delayMs, () => {
      if (this.#channel === channel) work();
    });
  }

  #propose(channel: FrameChannel): void {
    this.#guarded(() => {
      const { store } = this.#deps;
      const [current, next] = [this.#before(), store.next()];
      const of = { nodeId: this.#deps.nodeId(), before: current.publicText, next: next.publicText };
      Promise.all([signKeyRotation(of, current), signKeyRotation(of, next)]).then(
        ([byCurrent, byNext]) =>
          channel.sendControl({ t: 'key.rotate', linkKey: next.publicText, before: of.before, byCurrent, byNext }),
        (error: unknown) => this.#deps.log.error({ err: error }, 'the new link key cannot be proven'),
      );
    });
  }

  #before(): KeyPair {
    return this.#deps.usedKey() ?? this.#deps.store.current();
  }

  /** Files that cannot be written cost the new key, not the link: it is tried again at the next one. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.#deps.log.error({ code: error.code, detail: error.detail }, 'the link key cannot be replaced');
    }
  }
}
