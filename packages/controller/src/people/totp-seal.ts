import { createCipheriv, createDecipheriv } from 'node:crypto';
import { HaubanError } from '@hauban/shared/errors';
import { fromBase64Url, toBase64Url } from '@hauban/shared/protocol';
import type { Random } from '@hauban/shared/time';

/**
 * Secrets of authenticator apps as the database holds them: AES-256-GCM under a key that is not in the database. The tag
 * covers whose secret it is, so a row that is moved to another person opens nothing.
 */
export interface TotpSeal {
  seal(personId: string, secret: string): string;
  /** SECOND_FACTOR_UNREADABLE for what this key did not seal for this person. */
  open(personId: string, stored: string): string;
}

const PREFIX = 'sealed1.';
const IV_BYTES = 12;
const TAG_BYTES = 16;
export const TOTP_KEY_BYTES = 32;

/** What is no sealed secret was written by an earlier version, or by whoever can write to the database. */
export const isSealedTotp = (stored: string): boolean => stored.startsWith(PREFIX);

const owner = (personId: string): Buffer => Buffer.from(`hauban-totp v1 ${personId}`);

const unreadable = (cause?: unknown): HaubanError =>
  new HaubanError(
    'SECOND_FACTOR_UNREADABLE',
    'Your authenticator app cannot be checked here: sign in by a passkey or a recovery code, or ask an owner for a new link.',
    { cause },
  );

function openBytes(key: Uint8Array, personId: string, sealed: Uint8Array): string {
  const iv = sealed.subarray(0, IV_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(owner(personId));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const data = sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8');
  } catch (error) {
    throw unreadable(error);
  }
}

/** @param key 32 bytes; null: it is lost, so nothing is opened and nothing new is sealed */
export function createTotpSeal(key: Uint8Array | null, random: Random): TotpSeal {
  return {
    seal: (personId, secret) => {
      if (key === null)
        throw new HaubanError(
          'SECOND_FACTOR_UNREADABLE',
          'No authenticator app can be set up: the key that guards their secrets is missing on the controller.',
        );
      const iv = random.bytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      cipher.setAAD(owner(personId));
      const data = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return `${PREFIX}${toBase64Url(Buffer.concat([iv, data, cipher.getAuthTag()]))}`;
    },
    open: (personId, stored) => {
      const sealed = isSealedTotp(stored) ? fromBase64Url(stored.slice(PREFIX.length)) : null;
      if (key === null || sealed === null || sealed.length <= IV_BYTES + TAG_BYTES) throw unreadable();
      return openBytes(key, personId, sealed);
    },
  };
}
