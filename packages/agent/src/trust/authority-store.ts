import { authorityStepHash, authorityVersion, verifyNextStep, type AuthorityChain } from '@hauban/link';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import type { AuthorityStep, Bundle, SignedStep } from '@hauban/shared/protocol';
import type { HashedFile } from './hashed-file.ts';

/** Whom this node was told to obey by its enrolment. */
export interface AuthorityTrust {
  readonly controllerId: string;
  readonly authority: AuthorityChain;
}

/** What counts now. `damaged`: nobody knows which keys were replaced, so nothing is obeyed. */
export type HeldAuthority =
  | { readonly is: 'held'; readonly chain: AuthorityChain }
  | { readonly is: 'damaged'; readonly problem: string };

export interface AuthorityStoreParts {
  readonly file: HashedFile<readonly AuthorityStep[]>;
  /** Asked each time: the node may have been enrolled anew meanwhile. */
  readonly trust: () => AuthorityTrust;
  readonly log: { error(fields: object, message: string): void };
}

type Taken =
  | { readonly ok: true; readonly isNew: boolean }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** Does `steps` go on from exactly what the enrolment said? What an earlier enrolment left does not. */
function goesOnFrom({ root, steps: known }: AuthorityChain, steps: readonly AuthorityStep[]): boolean {
  const [first] = steps;
  if (first === undefined || steps.length < known.length) return false;
  return (
    root.some(({ key }) => key === first.before) &&
    known.every((step, at) => authorityStepHash(step) === authorityStepHash(steps[at] ?? first))
  );
}

/**
 * The authority keys of this node (rules KEYS13 to KEYS16). A step counts from when it is on disk; they only go forward.
 * A damaged file heals by a person's hand only, and until then no order is carried out: the key of the enrolment may be
 * one that was replaced because it was stolen.
 */
export class AuthorityStore {
  readonly #parts: AuthorityStoreParts;
  #steps: readonly AuthorityStep[] | null;

  constructor(parts: AuthorityStoreParts) {
    this.#parts = parts;
    const stored = parts.file.load();
    this.#steps = stored.is === 'damaged' ? null : stored.is === 'held' ? stored.value : [];
    if (stored.is === 'damaged')
      parts.log.error(
        { path: parts.file.path, problem: stored.problem },
        'the authority keys on disk are damaged, so no order is carried out: remove this file and the one of the policy bundle, and start the executor again',
      );
  }

  get held(): HeldAuthority {
    const { authority } = this.#parts.trust();
    if (this.#steps === null) return { is: 'damaged', problem: `the file ${this.#parts.file.path} is not usable` };
    return { is: 'held', chain: goesOnFrom(authority, this.#steps) ? { ...authority, steps: this.#steps } : authority };
  }

  /** 0: not known. */
  get version(): number {
    const { held } = this;
    return held.is === 'held' ? authorityVersion(held.chain) : 0;
  }

  /** @param bundle what is held now: its owners approve */
  async take(signed: SignedStep, bundle: Bundle | null): Promise<Taken> {
    const { held } = this;
    if (held.is === 'damaged') return { ok: false, code: 'AUTHORITY_DAMAGED', detail: held.problem };
    const { controllerId } = this.#parts.trust();
    const next = await verifyNextStep(signed, held.chain, { controllerId, ground: { by: 'owners', bundle } });
    return next.ok && next.isNew ? this.#keep([...held.chain.steps, next.step]) : next;
  }

  #keep(steps: readonly AuthorityStep[]): Taken {
    try {
      this.#parts.file.store(steps);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return { ok: false, code: error.code, detail: error.detail };
    }
    this.#steps = steps;
    return { ok: true, isNew: true };
  }
}
