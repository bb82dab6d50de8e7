import { loadOrCreateKeyPair, type KeyPair } from '@hauban/link';
import type { SignedReceiptStep } from '@hauban/shared/protocol';
import { changedAtMs, isThere, moveIfThere } from '../store/enrolment-files.ts';
import { policyStamp } from '../store/index.ts';
import { nextReceiptKeyFile, receiptStepsFile } from '../store/receipt-key-names.ts';
import { createReceiptStepsFile, type Stored } from '../trust/index.ts';

/** The receipt key's files, root's own. What each function has written is on disk when it returns. */
export interface ReceiptKeyFiles {
  /** Another one when the key is another one: an enrolment has made it. */
  stamp(): string;
  /** Made on first use. */
  current(): KeyPair;
  /** When the current key got its place, Unix ms. */
  madeAtMs(): number;
  /** The key that shall take over: the one of an attempt that was cut off, or a new one. */
  next(): KeyPair;
  hasNext(): boolean;
  /** Puts the next key in the place of the current one, which is gone then. */
  adoptNext(): void;
  steps(): Stored<readonly SignedReceiptStep[]>;
  storeSteps(steps: readonly SignedReceiptStep[]): void;
}

/** The receipt key of that file; beside it the one that shall take over, and the newest steps. */
export function createReceiptKeyFiles(path: string): ReceiptKeyFiles {
  const stepsFile = createReceiptStepsFile(receiptStepsFile(path));
  return {
    stamp: () => policyStamp(path),
    current: () => loadOrCreateKeyPair(path),
    madeAtMs: () => changedAtMs(path),
    next: () => loadOrCreateKeyPair(nextReceiptKeyFile(path)),
    hasNext: () => isThere(nextReceiptKeyFile(path)),
    adoptNext: () => moveIfThere(nextReceiptKeyFile(path), path),
    steps: stepsFile.load,
    storeSteps: stepsFile.store,
  };
}
