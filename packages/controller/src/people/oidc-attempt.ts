import { createHash } from 'node:crypto';

/** What binds a sign-on to one browser: all of it comes from the secret in the browser's cookie. */
export interface AttemptSecrets {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636): 43 letters of base64url. */
  readonly verifier: string;
}

/** Different words give values of which none tells another. @param browser 256 random bits */
export function attemptSecrets(browser: string): AttemptSecrets {
  const derive = (word: string): string => createHash('sha256').update(`${word} ${browser}`).digest('base64url');
  return { state: derive('state'), nonce: derive('nonce'), verifier: derive('verifier') };
}

const ANYWHERE = 'https://hauban.invalid';

/** A browser drops some of them, and what follows the slash is another host. */
const hasControl = (text: string): boolean => [...text].some((letter) => letter < ' ');

/** A path of our own pages, whatever was asked for; the start page for anything else. */
export function ownPath(returnTo: string | undefined): string {
  if (returnTo === undefined || !/^\/(?![/\\])[^\\]*$/.test(returnTo) || hasControl(returnTo)) return '/';
  const url = URL.canParse(returnTo, ANYWHERE) ? new URL(returnTo, ANYWHERE) : null;
  const path = url?.origin === ANYWHERE ? `${url.pathname}${url.search}${url.hash}` : '/';
  return path.startsWith('//') ? '/' : path;
}
