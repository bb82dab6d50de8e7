import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { openHeld } from './held-folder.ts';
import type { TreeEntry, TreeVisitor } from './walk-site.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Every byte of what is held, in chunks; `each` must be done with one before it gets the next. */
export async function readChunks(held: FileHandle, each: (chunk: Buffer) => Promise<void> | void): Promise<void> {
  const handle = await openHeld(held);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      await each(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

export async function sha256Of(held: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  await readChunks(held, (chunk) => void hash.update(chunk));
  return hash.digest('hex');
}

/** One checksum for a tree: names, kinds, modes, contents, targets; no times and no owners. */
export class TreeDigest {
  readonly #hash: Hash = createHash('sha256');
  entries = 0;
  sizeBytes = 0;

  add(kind: 'directory' | 'file' | 'link', { path, mode, sizeBytes }: TreeEntry, rest = ''): void {
    this.entries += 1;
    if (kind === 'file') this.sizeBytes += sizeBytes;
    this.#hash.update(`${JSON.stringify([kind, path, kind === 'link' ? 0 : mode, rest])}\n`);
  }

  text(): string {
    return this.#hash.digest('hex');
  }
}

export function digestInto(digest: TreeDigest): TreeVisitor {
  return {
    enter: async (entry) => Promise.resolve(digest.add('directory', entry)),
    link: async (entry, target) => Promise.resolve(digest.add('link', entry, target)),
    file: async (entry, held) => digest.add('file', entry, await sha256Of(held)),
  };
}

/** Counts only. */
export function measureInto(digest: TreeDigest): TreeVisitor {
  return {
    enter: async (entry) => Promise.resolve(digest.add('directory', entry)),
    link: async (entry) => Promise.resolve(digest.add('link', entry)),
    file: async (entry) => Promise.resolve(digest.add('file', entry)),
  };
}
