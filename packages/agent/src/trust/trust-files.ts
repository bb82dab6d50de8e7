import { parseBundle } from '@hauban/link';
import { checkAuthorityStep, list, parseWith, type AuthorityStep, type Bundle } from '@hauban/shared/protocol';
import { createHashedFile, type HashedFile } from './hashed-file.ts';

/** The policy bundle (rule BUNDLE5). */
export const createBundleFile = (path: string): HashedFile<Bundle> =>
  createHashedFile(path, { name: 'bundle', parse: parseBundle });

const checkSteps = list(checkAuthorityStep, 10_000);

/** The steps from the authority key of the enrolment to the one in force, the oldest first (rule KEYS15). */
export const createAuthorityFile = (path: string): HashedFile<readonly AuthorityStep[]> =>
  createHashedFile(path, { name: 'steps', parse: (value) => parseWith(checkSteps, value) });
