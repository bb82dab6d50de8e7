import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { writeDurably } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { flag, fromBase64Url, literal, object, parseJson, text, toBase64Url } from '@hauban/shared/protocol';
import { TOTP_KEY_BYTES } from './totp-seal.ts';

/** The key of the secrets of authenticator apps, in a file of the controller's folder. */
export interface TotpKey {
  readonly key: Uint8Array;
  /** Everything in the database is sealed: what is plain from now on was put there by somebody else. */
  readonly isComplete: boolean;
}

const MOST_BYTES = 1024;
const checkFile = object({
  v: literal(1),
  is: literal('hauban-totp-key'),
  key: text(43, { min: 43, pattern: /^[A-Za-z0-9_-]+$/ }),
  isComplete: flag,
});

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';

function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new HaubanError('CONFIG_BAD', `The key ${path} cannot be read: ${codeOf(error)}.`, { cause: error });
  }
}

/** Null when there is no such file. One that others may read, or that is damaged, is refused with CONFIG_BAD. */
export function loadTotpKey(path: string): TotpKey | null {
  const handle = openOrNull(path);
  if (handle === null) return null;
  try {
    const { mode, size } = fstatSync(handle);
    if ((mode & 0o077) !== 0)
      throw new HaubanError('CONFIG_BAD', `The key ${path} may be read by others: set its mode to 600.`);
    const parsed = parseJson(checkFile, size > MOST_BYTES ? '' : readFileSync(handle, 'utf8'));
    const key = parsed.ok ? fromBase64Url(parsed.value.key) : null;
    if (!parsed.ok || key?.length !== TOTP_KEY_BYTES)
      throw new HaubanError(
        'CONFIG_BAD',
        `The key ${path} is damaged: bring it back from a backup, or move it away to go on without authenticator apps.`,
      );
    return { key, isComplete: parsed.value.isComplete };
  } finally {
    closeSync(handle);
  }
}

/** After a crash either the old or the new file is there. */
export function storeTotpKey(path: string, { key, isComplete }: TotpKey): void {
  const file = { v: 1, is: 'hauban-totp-key', key: toBase64Url(key), isComplete };
  writeDurably(path, `${JSON.stringify(file)}\n`, { mode: 0o600 });
}
