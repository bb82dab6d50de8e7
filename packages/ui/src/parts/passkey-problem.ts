import { texts } from '../texts/index.ts';

/**
 * What a failed passkey means to the person, in a sentence; null when the failure is not the browser's. The browser
 * says NotAllowedError for "cancelled", "timed out" and "none here" alike, on purpose.
 */
export function passkeyProblem(error: unknown): string | null {
  if (!(error instanceof Error) || error.name === 'ApiError') return null;
  const isCancelled = error.name === 'NotAllowedError' || error.name === 'AbortError';
  return isCancelled ? texts.signIn.cancelled : texts.signIn.passkeyFailed;
}
