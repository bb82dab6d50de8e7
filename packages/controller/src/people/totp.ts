import { Secret, TOTP } from 'otpauth';

/** Time-based codes (RFC 6238): SHA-1, six digits, 30 s, as every authenticator app takes them. */
const PERIOD_S = 30;
/** A code is also good one step before and after: clocks of telephones differ. */
const WINDOW = 1;
const ISSUER = 'Hauban';

const totpOf = (secret: string, label = ''): TOTP =>
  new TOTP({ issuer: ISSUER, label, secret: Secret.fromBase32(secret), digits: 6, period: PERIOD_S });

/** 160 bits, base32. */
export const totpSecret = (bytes: Uint8Array): string => new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;

/** What the app reads from a QR code or a link. */
export const totpUri = (secret: string, name: string): string => totpOf(secret, name).toString();

/** Six digits; recovery codes have letters. */
export const isTotpCode = (code: string): boolean => /^\d{6}$/.test(code);

/** The time step that a code belongs to; null when it is no code of now. */
export function totpStepOf(secret: string, code: string, nowMs: number): number | null {
  if (!isTotpCode(code)) return null;
  const delta = totpOf(secret).validate({ token: code, timestamp: nowMs, window: WINDOW });
  return delta === null ? null : Math.floor(nowMs / 1000 / PERIOD_S) + delta;
}
