import { parseBundle } from '@hauban/link';
import {
  checkAuthorityStep,
  checkSignedReceiptStep,
  list,
  MOST_RECEIPT_STEPS,
  parseWith,
  type AuthorityStep,
  type Bundle,
  type SignedReceiptStep,
} from '@hauban/shared/protocol';
import { createHashedFile, type HashedFile } from './hashed-file.ts';

/** The policy bundle (rule BUNDLE5). */
export const createBundleFile = (path: string): HashedFile<Bundle> =>
  createHashedFile(path, { name: 'bundle', parse: parseBundle });

const checkSteps = list(checkAuthorityStep, 10_000);

/** The steps from the authority key of the enrolment to the one in force, the oldest first (rule KEYS15). */
export const createAuthorityFile = (path: string): HashedFile<readonly AuthorityStep[]> =>
  createHashedFile(path, { name: 'steps', parse: (value) => parseWith(checkSteps, value) });

const checkReceiptSteps = list(checkSignedReceiptStep, MOST_RECEIPT_STEPS);

/** The newest steps from one receipt key of this node to the next, the oldest first (rule KEYS25). */
export const createReceiptStepsFile = (path: string): HashedFile<readonly SignedReceiptStep[]> =>
  createHashedFile(path, { name: 'steps', parse: (value) => parseWith(checkReceiptSteps, value) });
