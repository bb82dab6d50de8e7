import { chownSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadKeyPair, loadOrCreateKeyPair, type KeyPair } from '@hauban/link';

/** The link key of this controller, and the one that shall take over beside it. */
export function createLinkKeyFolder(folder: string) {
  const file = join(folder, 'link-key.json');
  const nextFile = join(folder, 'link-key.next.json');
  return {
    /** Made on first use. */
    current: (): KeyPair => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return loadOrCreateKeyPair(file);
    },
    /** The private half of that public key; null: it is not here. */
    find: (publicText: string): KeyPair | null =>
      [file, nextFile].map(loadKeyPair).find((key) => key?.publicText === publicText) ?? null,
    /** The same one until it has taken over. It belongs to whom the folder belongs to, whoever made it. */
    next: (): KeyPair => {
      const key = loadOrCreateKeyPair(nextFile);
      const { uid, gid } = statSync(folder);
      if (process.getuid?.() === 0) chownSync(nextFile, uid, gid);
      return key;
    },
    adoptNext: (): void => {
      if (existsSync(nextFile)) renameSync(nextFile, file);
    },
  };
}

export type LinkKeyFolder = ReturnType<typeof createLinkKeyFolder>;
