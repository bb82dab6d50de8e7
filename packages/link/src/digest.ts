import { createHash } from 'node:crypto';

/** SHA-256, 32 bytes. Text is taken as UTF-8. */
export const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();

/** SHA-256 in lower-case hex: the form of every `hash` field of orders, receipts, inventory and recordings. */
export const sha256Hex = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** SHA-256 in base64url without padding: the form of key thumbprints (rule ENROL1). */
export const sha256Base64Url = (data: Uint8Array | string): string =>
  createHash('sha256').update(data).digest('base64url');
