import { HaubanError } from '@hauban/shared/errors';
import { loadKeyPair, loadOrCreateKeyPair, storeKeyPair, type KeyPair } from '@hauban/link';
import { changedAtMs, isThere, moveIfThere, removeIfThere } from '../store/enrolment-files.ts';

/** Name of the key that shall take over. */
const nextLinkKeyFile = (path: string): string => `${path}.rotating`;

/** As many days as a controller's backup may be old, with a key a day. */
const FORMER_KEYS = 7;
const formerFile = (path: string, age: number): string => `${path}.former-${age}`;

/** An enrolment begins anew: what was made under the former identity goes. */
export function forgetOtherLinkKeys(path: string): void {
  removeIfThere(nextLinkKeyFile(path));
  for (let age = 1; age <= FORMER_KEYS; age += 1) removeIfThere(formerFile(path, age));
}

/** Newest first; a crash while they were moved on leaves a gap. */
export function loadFormerLinkKeys(path: string): readonly KeyPair[] {
  const ages = Array.from({ length: FORMER_KEYS }, (_, at) => at + 1);
  return ages.flatMap((age) => loadKeyPair(formerFile(path, age)) ?? []);
}

/** The link key of that file, the one that shall take over, and those before it, beside it. */
export function createLinkKeyFiles(path: string) {
  return {
    current: (): KeyPair => {
      const key = loadKeyPair(path);
      if (key === null) throw new HaubanError('CONFIG_BAD', `The link key ${path} is gone: enrol this node again.`);
      return key;
    },
    madeAtMs: (): number => changedAtMs(path),
    next: (): KeyPair => loadOrCreateKeyPair(nextLinkKeyFile(path)),
    hasNext: (): boolean => isThere(nextLinkKeyFile(path)),
    adoptNext: (): void => {
      for (let age = FORMER_KEYS; age > 1; age -= 1) moveIfThere(formerFile(path, age - 1), formerFile(path, age));
      const key = loadKeyPair(path);
      if (key !== null) storeKeyPair(formerFile(path, 1), key);
      moveIfThere(nextLinkKeyFile(path), path);
    },
  };
}
