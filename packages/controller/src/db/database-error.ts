import { HaubanError } from '@hauban/shared/errors';

/** Codes of the driver and of the socket: the server is not there, or went away. */
const LOST = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  // The driver has begun a transaction on a connection that others use, seen once with a thousand nodes at once: what they
  // write there would wait for a commit that never comes. Only giving the connection up takes it back.
  'UNSAFE_TRANSACTION',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);

/**
 * SQLSTATE classes and codes that say the server cannot serve now: connection exceptions (08), out of resources (53),
 * shutting down or starting (57P), a lock or a statement that took too long.
 */
const UNAVAILABLE = /^(?:08|53|57P)|^(?:55P03|57014|25P03)$/;
/** Serialization failure and deadlock: the same transaction may succeed when it is run again. */
const AGAIN = new Set(['40001', '40P01']);

/** The driver's error inside whatever wrapped it (drizzle puts it under `cause`), and its code. */
function driverCode(error: unknown): string | null {
  // What is a HaubanError already came from another part (the signer's socket) and has been judged there.
  for (let at: unknown = error; at instanceof Error && !(at instanceof HaubanError); at = at.cause) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return null;
}

/** Is the connection that this happened on gone, or about to be closed by the server? */
export function isConnectionLost(error: unknown): boolean {
  const code = driverCode(error) ?? '';
  return LOST.has(code) || code.startsWith('57P');
}

export const isRetryableTransaction = (error: unknown): boolean => AGAIN.has(driverCode(error) ?? '');

/** Why a server that answers does not let us in; null: for another reason, or it does. */
export function refusalOf(error: unknown): 'sign-in' | 'database' | null {
  const code = driverCode(error) ?? '';
  if (code.startsWith('28')) return 'sign-in';
  return code === '3D000' ? 'database' : null;
}

/** Did the database refuse because a row with that unique value is there already? */
export const isUniqueViolation = (error: unknown): boolean => driverCode(error) === '23505';

/** Raised by the trigger that refuses what is written in the name of somebody who has left (migrations/0013_leavers.sql). */
const HAS_LEFT = 'ZH001';

/** A row in the name of somebody who has left becomes NOT_SIGNED_IN. A database that cannot serve now becomes DATABASE (retryable); anything else stays what it was: our bug. */
export function toDatabaseError(error: unknown): unknown {
  const code = driverCode(error);
  if (code === HAS_LEFT) return new HaubanError('NOT_SIGNED_IN', 'This account has ended.', { cause: error });
  if (code === null || !(LOST.has(code) || UNAVAILABLE.test(code) || AGAIN.has(code))) return error;
  return new HaubanError('DATABASE', `the database does not answer (${code})`, { cause: error });
}
