import { HaubanError } from '@hauban/shared/errors';
import { integer, literal, object, parseJson, text, UUID_PATTERN, type Checked } from '@hauban/shared/protocol';
import { readOwnFile } from './read-own-file.ts';
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
  try {
    const bytes = readOwnFile(path, MAX_BYTES);
    if (bytes === null) return null;
    const parsed = bytes === 'unfit' ? null : parseJson(checkKeptHead, bytes.toString());
    return parsed?.ok === true ? parsed.value : 'damaged';
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return 'damaged';
  }
}

/** Throws HaubanError FILE_FAILED. */
export const storeKeptHead = (path: string, head: KeptHead): void =>
  writeDurably(path, Buffer.from(`${JSON.stringify(head)}\n`), { mode: 0o600, gid: null });
