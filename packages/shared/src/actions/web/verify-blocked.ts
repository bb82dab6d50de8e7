import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { loadSite, sitePlaces, type SiteName } from './site-plan.ts';
import { attempt, verifyPage } from './verify-steps.ts';

/** An exception for this node itself: then its own request shows nothing. */
const isForThisNode = (allow: readonly string[]): boolean =>
  allow.some((prefix) => prefix.startsWith('127.') || prefix.startsWith('::1'));

/** The server's own answer for that file, on every address of the site. */
export async function verifyBlocked(
  host: Host,
  args: SiteName & { readonly path: string },
  isBlocked: boolean,
): Promise<readonly Verified[]> {
  const settings = await loadSite(host, args);
  const allow = settings.blocked.find(({ path }) => path === args.path)?.allow;
  const inFile = {
    name: 'Its file says so',
    ok: (allow !== undefined) === isBlocked,
    saw: allow === undefined ? 'not blocked' : 'blocked',
  };
  const checks: Verified[] = [inFile];
  for (const place of sitePlaces(args.domain, settings)) {
    const name = `${args.path} on port ${place.port}`;
    if (isBlocked && !isForThisNode(allow ?? []))
      checks.push(
        await attempt(name, async () => {
          const reply = await host.web.probe({ ...place, path: `/${args.path}` });
          // With a redirect to https the plain address says so before it says anything else.
          const ok = reply.ok && (reply.status === 403 || (settings.https === 'redirect' && reply.status === 301));
          return { name, ok, saw: reply.ok ? `status ${reply.status}` : reply.problem };
        }),
      );
    checks.push(await verifyPage(host, place));
  }
  return checks;
}
