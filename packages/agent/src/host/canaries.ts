import { basename } from 'node:path';
import { parseProbeReply, PROBE_URL, type HttpProbe, type ProbeResult, type WebSite } from '@hauban/shared/actions';
import { probeHttp } from './http-probe.ts';

/** Sites that work now and that nobody is changing: whether they answer as before is the proof. */
export interface Canary {
  readonly site: WebSite;
  /** Its first page, then, for an account's site, our page that says who answers. */
  readonly probes: readonly HttpProbe[];
  readonly before: readonly ProbeResult[];
}

const PROBE_TIMEOUT_MS = 10_000;
/** So many are asked before and after. */
const CANARIES = 2;

const isHosted = ({ file }: WebSite): boolean => basename(file).startsWith('hosting-');

export const isWell = (result: ProbeResult | undefined): boolean => result?.ok === true && result.status < 500;

export const wellText = (result: ProbeResult | undefined): string => {
  if (result === undefined) return 'was not asked';
  return result.ok ? `answers ${result.status}` : result.problem;
};

function probesOf(site: WebSite): readonly HttpProbe[] {
  const first: HttpProbe = {
    host: site.serverName,
    path: '/',
    port: site.port,
    ...(site.secure ? { secure: true } : {}),
  };
  return isHosted(site) ? [first, { ...first, path: PROBE_URL }] : [first];
}

/** @param isSpared sites that are no proof: they are changed on purpose, or meant to fail */
export async function chooseCanaries(
  sites: readonly WebSite[],
  isSpared: (site: WebSite) => Promise<boolean> | boolean,
): Promise<readonly Canary[]> {
  const chosen: Canary[] = [];
  // Who answers for an account's site can be told for certain, so those come first.
  for (const site of [...sites.filter(isHosted), ...sites.filter((one) => !isHosted(one))]) {
    if (chosen.length === CANARIES) break;
    if (await isSpared(site)) continue;
    const probes = probesOf(site);
    const before: ProbeResult[] = [];
    for (const probe of probes) before.push(await probeHttp(probe, PROBE_TIMEOUT_MS));
    if (isWell(before[0])) chosen.push({ site, probes, before });
  }
  return chosen;
}

const uidOf = (result: ProbeResult | undefined): number | null =>
  result?.ok === true && result.status === 200 ? (parseProbeReply(result.body)?.uid ?? null) : null;

/** One sentence when it does not answer as before; null when it does. What the page itself says is the customer's business. */
export function judgeCanary({ site, before }: Canary, after: readonly (ProbeResult | undefined)[]): string | null {
  const name = site.serverName;
  const [was, is] = [before[0], after[0]];
  if (!isWell(is)) return `${name} works now and ${wellText(is)} in the rehearsal`;
  if (was?.ok === true && is?.ok === true && Math.floor(was.status / 100) !== Math.floor(is.status / 100))
    return `${name}, which is not being changed, answers ${was.status} now and ${is.status} in the rehearsal; where that is meant, restart Apache`;
  const [wasUid, isUid] = [uidOf(before[1]), uidOf(after[1])];
  if (wasUid !== null && wasUid !== isUid)
    return `${name} is answered by uid ${wasUid} now and by ${isUid === null ? 'none of its PHP' : `uid ${isUid}`} in the rehearsal`;
  return null;
}
