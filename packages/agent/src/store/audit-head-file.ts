import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { integer, literal, object, parseJson, text, UUID_PATTERN, type Checked } from '@hauban/shared/protocol';
import { writeDurably } from './write-durably.ts';

/** The newest signed head of the controller's audit log that this node has seen; the link process's own file. */
const checkKeptHead = object({
  v: literal(1),
  controller: text(36, { pattern: new RegExp(UUID_PATTERN) }),
  seq: integer(1, Number.MAX_SAFE_INTEGER),
  hash: text(64, { pattern: /^[0-9a-f]{64}$/ }),
  jws: text(4000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/ }),
});
export type KeptHead = Checked<typeof checkKeptHead>;

const MAX_BYTES = 8192;

/** Null: none yet. `damaged`: there is a file that cannot be used; the next head replaces it. */
export function loadKeptHead(path: string): KeptHead | 'damaged' | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    return error.code === 'ENOENT' ? null : 'damaged';
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_BYTES) return 'damaged';
    const parsed = parseJson(checkKeptHead, readFileSync(descriptor, 'utf8'));
    return parsed.ok ? parsed.value : 'damaged';
  } finally {
    closeSync(descriptor);
  }
}

/** Throws HaubanError FILE_FAILED. */
export const storeKeptHead = (path: string, head: KeptHead): void =>
  writeDurably(path, Buffer.from(`${JSON.stringify(head)}\n`), { mode: 0o600, gid: null });
