import { sha256Hex } from '@hauban/link';
import type { Random } from '@hauban/shared/time';

/** A random secret (256 bits, base64url) and what is stored of it. Random, so a plain hash is enough and can be looked up. */
export interface Secret {
  readonly text: string;
  readonly hash: string;
}

export function makeSecret(random: Random): Secret {
  const text = Buffer.from(random.bytes(32)).toString('base64url');
  return { text, hash: hashSecret(text) };
}

export const hashSecret = (text: string): string => sha256Hex(text);
