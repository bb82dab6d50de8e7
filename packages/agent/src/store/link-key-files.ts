import { statSync } from 'node:fs';
import { HaubanError } from '@hauban/shared/errors';
import { loadKeyPair, loadOrCreateKeyPair, type KeyPair } from '@hauban/link';
import { isThere, moveIfThere } from './enrolment-files.ts';
import { fileFailed } from './write-durably.ts';

/** Name of the key that shall take over; an enrolment removes it, since a copied disk has it too. */
export const nextLinkKeyFile = (path: string): string => `${path}.rotating`;

/** The link key of that file and the one that shall take over, beside it. */
export function createLinkKeyFiles(path: string) {
  return {
    current: (): KeyPair => {
      const key = loadKeyPair(path);
      if (key === null) throw new HaubanError('CONFIG_BAD', `The link key ${path} is gone: enrol this node again.`);
      return key;
    },
    madeAtMs: (): number => {
      try {
        return statSync(path).mtimeMs;
      } catch (error) {
        throw fileFailed(path, 'cannot read', error);
      }
    },
    next: (): KeyPair => loadOrCreateKeyPair(nextLinkKeyFile(path)),
    hasNext: (): boolean => isThere(nextLinkKeyFile(path)),
    adoptNext: (): void => moveIfThere(nextLinkKeyFile(path), path),
  };
}
