import { HaubanError } from '@hauban/shared/errors';
import type { LinkItem } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import {
  followLinkItems,
  linkKeysAt,
  newestLinkKey,
  type AuthorityChain,
  type ExpectedController,
  type LinkChain,
} from '@hauban/link';
import type { ControllerKeysFile } from '../store/controller-keys-file.ts';
import type { LinkLog } from './link-log.ts';

/** Whom the enrolment has said to trust. */
export interface PinnedController {
  readonly controllerId: string;
  readonly controllerKey: string;
  readonly authority: AuthorityChain;
}

export interface ControllerKeysDeps {
  readonly clock: Clock;
  readonly log: LinkLog;
  /** Asked each time: the node may have been enrolled anew meanwhile. */
  pinned(): PinnedController;
  /** Throws HaubanError when it is damaged. */
  load(): ControllerKeysFile | null;
  /** Durable when it returns; throws HaubanError when it cannot be. */
  store(keys: ControllerKeysFile): void;
}

/**
 * The link keys of the controller that this node goes by (rules KEYS19 to KEYS22): the one of the enrolment, and those
 * that the authority has signed for since. A step counts from when it is on disk; they only go forward.
 */
export class ControllerKeys {
  readonly #deps: ControllerKeysDeps;
  #work: Promise<unknown> = Promise.resolve();

  constructor(deps: ControllerKeysDeps) {
    this.#deps = deps;
  }

  /** The newest one; what `hello` and `status` say. */
  get newest(): string {
    return newestLinkKey(this.#chain());
  }

  /** Who may answer. */
  expected(): Extract<ExpectedController, { by: 'key' }> {
    const chain = this.#chain();
    const { newest, alsoTaken, retired } = linkKeysAt(chain, this.#deps.clock.nowMs());
    return { by: 'key', controllerId: chain.controllerId, linkKey: newest, alsoTaken, retired };
  }

  /** Keys that may sign heads of the audit log now. */
  get signing(): { readonly controllerId: string; readonly controllerKeys: readonly string[] } {
    const { controllerId, linkKey, alsoTaken } = this.expected();
    return {
      controllerId,
      controllerKeys: [linkKey, ...(alsoTaken === null || alsoTaken === undefined ? [] : [alsoTaken])],
    };
  }

  /** One after the other. True when another key is gone by than before; what does not hold is logged and changes nothing. */
  async follow(items: readonly LinkItem[]): Promise<boolean> {
    const done = this.#work.then(() => this.#follow(items));
    // The caller hears of a failure; it must not keep later steps from their turn.
    this.#work = done.catch(() => undefined);
    return await done;
  }

  /** The executor says which authority key it obeys: no older one names a link key from then on. */
  obeys(authority: number): void {
    const { log } = this.#deps;
    try {
      const chain = this.#chain();
      if (authority > chain.obeyed) this.#keep({ ...chain, obeyed: authority });
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      log.error({ code: error.code, detail: error.detail }, "the controller's keys cannot be kept");
    }
  }

  async #follow(items: readonly LinkItem[]): Promise<boolean> {
    const { log } = this.#deps;
    try {
      const followed = await followLinkItems(items, this.#chain());
      if (!followed.ok) {
        log.warn({ code: followed.code, detail: followed.detail }, 'a link key of the controller was refused');
        return false;
      }
      if (!followed.isNew) return false;
      const before = this.newest;
      this.#keep(followed.chain);
      if (this.newest === before) return false;
      log.info({ version: followed.chain.steps.at(-1)?.version }, 'the controller has a new link key');
      return true;
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      log.error({ code: error.code, detail: error.detail }, "the controller's keys cannot be kept");
      return false;
    }
  }

  /** What an earlier enrolment left is not looked at. */
  #chain(): LinkChain {
    const { controllerId, controllerKey: root, authority } = this.#deps.pinned();
    const kept = this.#deps.load();
    const isOurs = kept !== null && kept.controllerId === controllerId && kept.root === root;
    if (!isOurs) return { controllerId, root, steps: [], authority, obeyed: 0 };
    const { steps, obeyed, authoritySteps } = kept;
    const isFurther = authoritySteps.length > authority.steps.length;
    return {
      controllerId,
      root,
      steps,
      obeyed,
      authority: isFurther ? { ...authority, steps: authoritySteps } : authority,
    };
  }

  #keep({ controllerId, root, steps, authority, obeyed }: LinkChain): void {
    this.#deps.store({
      v: 1,
      controllerId,
      root,
      steps: [...steps],
      authoritySteps: [...authority.steps],
      obeyed,
    });
  }
}
