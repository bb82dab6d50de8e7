import type { Parsed } from '@hauban/shared/protocol';

/** Path of the link on every controller (rule TRANS1). */
const LINK_PATH = '/link';
const SCHEMES: Readonly<Record<string, string>> = { 'https:': 'wss:', 'http:': 'ws:', 'wss:': 'wss:', 'ws:': 'ws:' };

/** Address of a controller as a person types it, `https://host[:port]` or `wss://host[:port]/link`, to the one that is dialled. */
export function parseControllerUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const scheme = url === null ? undefined : SCHEMES[url.protocol];
  if (url === null || scheme === undefined)
    return {
      ok: false,
      problem: 'the address of the controller must begin with https:// or wss:// (http:// or ws:// on this machine)',
    };
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return { ok: false, problem: 'the address of the controller must be without user, query and fragment' };
  const path = url.pathname === '/' ? LINK_PATH : url.pathname;
  if (!path.endsWith(LINK_PATH))
    return { ok: false, problem: `the path of the controller's address must be left out or end with ${LINK_PATH}` };
  return { ok: true, value: `${scheme}//${url.host}${path}` };
}
