import type { PermissionPolicy } from '@hauban/shared/actions';

/** Which mode a file or folder of an account should have. Pure. */

/** Scripts, and what holds passwords or data: Apache has no business in them, PHP runs as the account. */
const SECRET =
  /(?:\.(?:php[0-9]?|phtml|phar|inc|env|key|pem|sql|bak|old|swp|ini|sqlite3?|db)|^\.env.*|^\.my\.cnf|^id_[a-z0-9]+|\.sql\.(?:gz|xz|zst|bz2|zip))$/i;

const SET_ID_AND_STICKY = 0o7000;
const EXECUTE = 0o111;

const octal = (text: string): number => Number.parseInt(text, 8);

function modeOfDirectory(now: number, wanted: number): number {
  // As strict or stricter is well, as long as those who may pass by the policy still pass.
  const isWithin = (now & ~wanted) === 0;
  const passes = (now & wanted & EXECUTE) === (wanted & EXECUTE) && (now & 0o700) === 0o700;
  return isWithin && passes ? now : wanted;
}

function modeOfSecret(now: number, wanted: number): number {
  const isWithin = (now & ~wanted) === 0 && (now & 0o400) !== 0;
  return isWithin ? now : (now & wanted) | 0o400;
}

function modeOfFile(now: number, wanted: number): number {
  const readers = wanted & 0o444;
  // Whoever may read it may also run it, if that was so; with 0777 nobody meant it.
  const execute = (now & 0o777) === 0o777 ? 0 : now & EXECUTE & (readers >> 2);
  const isWithin = (now & SET_ID_AND_STICKY) === 0 && (now & ~(wanted | (readers >> 2))) === 0;
  // Apache, which is another user, has to read it where the policy lets others read.
  const isReadable = (now & 0o400) !== 0 && (now & wanted & 0o004) === (wanted & 0o004);
  return isWithin && isReadable ? now : wanted | execute;
}

/** @param name last part of the path @param now permission bits, 0 to 0o7777 */
export function wantedMode(policy: PermissionPolicy, name: string, isDirectory: boolean, now: number): number {
  if (isDirectory) return modeOfDirectory(now, octal(policy.directories));
  return SECRET.test(name) ? modeOfSecret(now, octal(policy.secrets)) : modeOfFile(now, octal(policy.files));
}
