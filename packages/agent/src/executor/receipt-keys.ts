import { peekJws, receiptStepHash, type KeyPair } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import {
  checkReceiptStep,
  MOST_RECEIPT_STEPS,
  parseWith,
  RECEIPT_STEP_TYPE,
  type ReceiptStep,
  type SignedReceiptStep,
} from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { createRecordSigner } from '../shell/sign-record.ts';
import type { ExecutorLog } from './executor-log.ts';
import type { ReceiptKeyFiles } from './receipt-key-files.ts';

export interface ReceiptKeysParts {
  readonly files: ReceiptKeyFiles;
  /** Whose keys these are; steps of another enrolment count for nothing. */
  readonly identity: () => { readonly nodeId: string; readonly controllerId: string };
  readonly clock: Clock;
  readonly log: ExecutorLog;
}

/** A step with what it says. */
interface Taken {
  readonly step: ReceiptStep;
  readonly signed: SignedReceiptStep;
}

/** Null for `taken`: the file with the steps is damaged, so nobody knows which key comes next. */
interface Held {
  readonly stamp: string;
  readonly key: KeyPair;
  readonly taken: readonly Taken[] | null;
}

const DAY_MS = 86_400_000;

/** Empty for a text that is no step. */
function read(signed: SignedReceiptStep): readonly Taken[] {
  const peeked = peekJws(signed.byBefore);
  const parsed = peeked.ok ? parseWith(checkReceiptStep, peeked.payload) : null;
  return parsed?.ok === true ? [{ step: parsed.value, signed }] : [];
}

/**
 * The key that this node signs its receipts with (rules KEYS25 to KEYS30). It is replaced once a day, or when an order
 * says so; nothing that comes over the link process without the authority's signature can start it. In one go, without
 * waiting for anybody:
 *
 *   next key on disk -> step signed by both, on disk -> next key in its place -> from here on it signs -> step sent
 *
 * So whoever is told of an order after the controller has stored the step signs its receipt with the new key: the
 * controller can refuse the old one from then on, and no receipt is lost. Killed in between, the next start goes on. The
 * newest steps are kept, and sent again at each link from where the controller says it is.
 */
export class ReceiptKeys {
  readonly #parts: ReceiptKeysParts;
  #held: Held;
  /** Steps are being sent to the controller from this version on; asked for earlier ones, it gets them once. */
  #sentAfter = Number.MAX_SAFE_INTEGER;
  #rotated: (step: SignedReceiptStep) => void = () => undefined;

  constructor(parts: ReceiptKeysParts) {
    this.#parts = parts;
    this.#held = this.#load();
  }

  /** Who sends the steps; before this is called there is nobody to send them to. */
  onRotated(listener: (step: SignedReceiptStep) => void): void {
    this.#rotated = listener;
  }

  /** Asked for each signature. */
  key(): KeyPair {
    return this.#current().key;
  }

  /** Of the key that signs: 1 is the one of the enrolment. FILE_FAILED when nobody knows. */
  get version(): number {
    return this.#steps().at(-1)?.step.version ?? 1;
  }

  /** What a new connection is told before any receipt; null: the key of the enrolment signs. */
  newest(): SignedReceiptStep | null {
    const newest = this.#current().taken?.at(-1);
    this.#sentAfter = newest === undefined ? Number.MAX_SAFE_INTEGER : newest.step.version - 1;
    return newest?.signed ?? null;
  }

  /**
   * The controller says that it has that version: what it lacks, the oldest first. Nothing when it was sent already: it
   * does not take it, and says the same again.
   */
  lackedBy(version: number): readonly SignedReceiptStep[] {
    const taken = this.#current().taken ?? [];
    if (version >= Math.min(this.#sentAfter, taken.at(-1)?.step.version ?? 1)) return [];
    this.#sentAfter = version;
    const lacked = taken.filter(({ step }) => step.version > version);
    if (lacked[0]?.step.version !== version + 1)
      this.#parts.log.error(
        { version },
        'the controller has a receipt key that is too old to be followed from: enrol this node again',
      );
    return lacked.map(({ signed }) => signed);
  }

  /** Once a day; whoever says "now" earlier is not heard. */
  rotateIfDue(): void {
    const { clock, log, files } = this.#parts;
    const { taken } = this.#current();
    if (taken === null) return;
    const madeAtMs = taken.at(-1)?.step.issuedAt ?? files.madeAtMs();
    if (clock.nowMs() - madeAtMs < DAY_MS) return;
    try {
      this.rotate();
    } catch (error) {
      // Files that cannot be written cost the new key, not the receipts.
      if (!(error instanceof HaubanError)) throw error;
      log.error({ code: error.code, detail: error.detail }, 'the receipt key cannot be replaced');
    }
  }

  /** FILE_FAILED when it cannot be written; then the key is the old or the new one, and which it is, is on disk. */
  rotate(): void {
    const { files, identity, clock, log } = this.#parts;
    const { key } = this.#current();
    const taken = this.#steps();
    const next = files.next();
    const last = taken.at(-1)?.step;
    const { nodeId, controllerId } = identity();
    const step: ReceiptStep = {
      v: 1,
      is: 'hauban-receipt-step',
      controller: controllerId,
      node: nodeId,
      version: (last?.version ?? 1) + 1,
      previous: last === undefined ? null : receiptStepHash(last),
      before: key.publicText,
      next: next.publicText,
      issuedAt: Math.max(Math.floor(clock.nowMs()), (last?.issuedAt ?? 0) + 1),
    };
    const by = (signer: KeyPair): string => createRecordSigner(signer)(RECEIPT_STEP_TYPE, step);
    const signed = { byBefore: by(key), byNext: by(next) };
    files.storeSteps([...taken.map((one) => one.signed), signed].slice(-MOST_RECEIPT_STEPS));
    try {
      files.adoptNext();
    } finally {
      this.#held = this.#load();
    }
    log.info({ version: step.version }, 'the receipt key was replaced');
    this.#rotated(signed);
  }

  #steps(): readonly Taken[] {
    const { taken } = this.#current();
    if (taken === null) throw new HaubanError('FILE_FAILED', 'the steps of the receipt key are damaged');
    return taken;
  }

  /** Read again when the key's file is another one. */
  #current(): Held {
    if (this.#held.stamp !== this.#parts.files.stamp()) this.#held = this.#load();
    return this.#held;
  }

  #load(): Held {
    const { files, log } = this.#parts;
    const stored = files.steps();
    if (stored.is === 'damaged') {
      log.error(
        { problem: stored.problem },
        'the steps of the receipt key are damaged: it is not replaced any more, enrol this node again',
      );
      return { stamp: files.stamp(), key: files.current(), taken: null };
    }
    const taken = stored.is === 'held' ? this.#ownOf(stored.value.flatMap(read)) : [];
    return { key: files.current(), stamp: files.stamp(), taken };
  }

  /** Steps that lead to the key that is there; a rotation that was cut off is finished first. */
  #ownOf(all: readonly Taken[]): readonly Taken[] {
    const { files, identity } = this.#parts;
    const last = all.at(-1)?.step;
    const { nodeId, controllerId } = identity();
    if (last?.node !== nodeId || last.controller !== controllerId) return [];
    const isCutOff = last.before === files.current().publicText;
    if (isCutOff && files.hasNext() && files.next().publicText === last.next) files.adoptNext();
    if (last.next === files.current().publicText) return all;
    // Never in its place, so nobody was told of it.
    return isCutOff ? all.slice(0, -1) : [];
  }
}
