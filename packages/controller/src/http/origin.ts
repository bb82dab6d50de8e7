import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Origins from which our own page may call: the public address, and for a loopback one its other spellings. */
export function allowedOrigins(publicUrl: URL): ReadonlySet<string> {
  if (!LOOPBACK.includes(publicUrl.hostname)) return new Set([publicUrl.origin]);
  const port = publicUrl.port === '' ? '' : `:${publicUrl.port}`;
  return new Set(LOOPBACK.map((host) => `${publicUrl.protocol}//${host}${port}`));
}

/**
 * May this request, which changes something or opens a socket, have come from our own page or from a program?
 *
 * A browser sends `Origin` with every such request: it must be ours. A program sends none; then it may not carry our
 * cookie either, since an old browser that leaves the origin out would be trusted by it. A bearer token is no ambient
 * credential, a foreign page cannot have one.
 */
export function isFromUs(
  headers: IncomingHttpHeaders,
  rules: { readonly origins: ReadonlySet<string>; readonly hasCookie: boolean },
): boolean {
  if (headers.origin !== undefined) return rules.origins.has(headers.origin);
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return !rules.hasCookie;
}
