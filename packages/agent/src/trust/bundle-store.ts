import { authorityBundleKeys, verifyNextBundle } from '@hauban/link';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import type { Bundle, SignedBundle, TrustItem } from '@hauban/shared/protocol';
import type { AuthorityStore } from './authority-store.ts';
import type { HashedFile } from './hashed-file.ts';

/** What counts on this node now. `damaged`: nobody knows what was to be approved, so nothing dangerous is done. */
export type HeldBundle =
  | { readonly is: 'none' }
  | { readonly is: 'held'; readonly bundle: Bundle }
  | { readonly is: 'damaged'; readonly problem: string };

export interface BundleStoreParts {
  readonly file: HashedFile<Bundle>;
  readonly authority: AuthorityStore;
  /** Asked each time: the node may have been enrolled anew meanwhile. */
  readonly trust: () => { readonly controllerId: string };
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  /** Another version is held than before. */
  readonly changed: () => void;
}

/**
 * The policy bundle of this node (rules BUNDLE1 to BUNDLE5). A version counts from when it is on disk; versions only grow.
 * A damaged file heals by a person's hand only: whoever may damage it must not be able to bring an older version in.
 * Steps of the authority key come in the same line, because each of the two says by which of the other it counts.
 */
export class BundleStore {
  readonly #parts: BundleStoreParts;
  #stored: HeldBundle;
  #refused = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(parts: BundleStoreParts) {
    this.#parts = parts;
    const stored = parts.file.load();
    this.#stored = stored.is === 'held' ? { is: 'held', bundle: stored.value } : stored;
    if (this.#stored.is === 'damaged')
      parts.log.error(
        { path: parts.file.path, problem: this.#stored.problem },
        'the policy bundle on disk is damaged, so whatever needs approval is refused: remove the file and start the executor again',
      );
  }

  /** A bundle of another controller is none: this node was enrolled anew since. */
  get held(): HeldBundle {
    const stored = this.#stored;
    const isForeign = stored.is === 'held' && stored.bundle.controller !== this.#parts.trust().controllerId;
    return isForeign ? { is: 'none' } : stored;
  }

  /** 0: none. */
  get version(): number {
    const { held } = this;
    return held.is === 'held' ? held.bundle.version : 0;
  }

  /** Bundles and steps as they came, one after the other, after those that came before. */
  take(items: readonly TrustItem[]): void {
    this.#work = this.#work
      .then(async () => {
        for (const item of items) await this.#takeOne(item);
      })
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'fault while a policy bundle was handled'));
  }

  /** Resolves when all that was taken is decided: what comes after a bundle is judged by it. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #takeOne(item: TrustItem): Promise<void> {
    const { held } = this;
    if (held.is === 'damaged') return this.#refuse('BUNDLE_DAMAGED', held.problem);
    const current = held.is === 'held' ? held.bundle : null;
    if ('byBefore' in item) {
      const taken = await this.#parts.authority.take(item, current);
      if (!taken.ok) return this.#refuse(taken.code, taken.detail, 'authority key refused');
      return taken.isNew ? this.#parts.changed() : undefined;
    }
    return await this.#takeBundle(item, current);
  }

  async #takeBundle(signed: SignedBundle, current: Bundle | null): Promise<void> {
    const authority = this.#parts.authority.held;
    if (authority.is === 'damaged') return this.#refuse('AUTHORITY_DAMAGED', authority.problem);
    const { controllerId } = this.#parts.trust();
    const authorityKeys = authorityBundleKeys(authority.chain, signed.jws);
    const next = await verifyNextBundle(signed, current, { authorityKeys, controllerId });
    if (!next.ok) return this.#refuse(next.code, next.detail);
    return next.isNew ? this.#keep(next.bundle) : undefined;
  }

  #keep(bundle: Bundle): void {
    try {
      this.#parts.file.store(bundle);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return this.#refuse(error.code, error.detail);
    }
    this.#stored = { is: 'held', bundle };
    return this.#parts.changed();
  }

  #refuse(code: ErrorCode, detail: string, says = 'policy bundle refused'): void {
    this.#refused += 1;
    this.#parts.log.warn({ code, detail, refused: this.#refused, held: this.version }, says);
  }
}
