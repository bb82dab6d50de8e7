import { join } from 'node:path';
import { rmSync } from 'node:fs';
import type { Log } from '../runtime/index.ts';
import { keyInMemory, type AuthorityKey } from './authority-key.ts';
import { loadAuthorityKey } from './load-authority-key.ts';

/** Where private authority keys lie, by their version: files of the signer's folder, or a token. */
export interface KeySource {
  /** The key of that version, made when there is none. */
  open(version: number): AuthorityKey;
  /** For ever. No fault when it is gone already. */
  destroy(version: number): void;
  close(): void;
}

const nameOf = (version: number): string => (version === 1 ? 'authority-key.json' : `authority-key-${version}.json`);

/** Sealed with the passphrase when there is one. */
export function createKeyFolder(folder: string, passphrase: string | null, log: Log): KeySource {
  return {
    open: (version) => keyInMemory(loadAuthorityKey(join(folder, nameOf(version)), passphrase, log)),
    destroy: (version) => rmSync(join(folder, nameOf(version)), { force: true }),
    close: () => undefined,
  };
}
