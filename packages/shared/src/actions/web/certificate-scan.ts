import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import type { Host } from '../host.ts';
import { Domain } from '../params.ts';
import { daysLeft, judgeCertificate } from './certificate-rules.ts';

/** As many are looked at in one run. */
const LIMIT = 2000;

interface ScannedCertificate {
  readonly domain: string;
  readonly serial: string | null;
  readonly names: readonly string[];
  readonly daysLeft: number | null;
  /** False: the server shows another one than the file; null: no site serves it. */
  readonly isServed: boolean | null;
  /** Null: all is well. */
  readonly problem: string | null;
}

const SOON_DAYS = 21;

async function servedProblem(
  host: Host,
  domain: string,
  fingerprint: string,
  ports: readonly number[],
): Promise<string | null> {
  for (const port of ports) {
    const served = await host.queries.ask('tls.served', { domain, port });
    if ('problem' in served) return `port ${port}: ${served.problem}`;
    if (served.fingerprint !== fingerprint)
      return `port ${port} serves serial ${served.serial}, which is not the one that is installed: reload Apache`;
  }
  return null;
}

async function scan(host: Host, domain: string, ports: readonly number[]): Promise<ScannedCertificate> {
  const answer = await host.queries.ask('tls.facts', { domain, place: 'current' });
  const none = { domain, serial: null, names: [], daysLeft: null, isServed: null };
  if (answer === null) return { ...none, problem: 'no certificate is in use' };
  if ('problem' in answer) return { ...none, problem: answer.problem };
  const { facts } = answer;
  const nowMs = host.clock.nowMs();
  const served = await servedProblem(host, domain, facts.fingerprint, ports);
  const left = daysLeft(facts, nowMs);
  const problem =
    judgeCertificate(facts, [domain], nowMs) ?? served ?? (left < SOON_DAYS ? `it expires in ${left} days` : null);
  return {
    domain,
    serial: facts.serial,
    names: facts.names,
    daysLeft: left,
    isServed: ports.length === 0 ? null : served === null,
    problem,
  };
}

export const certificateScan = defineAction({
  name: 'certificate.scan',
  version: 1,
  title: 'Look at the certificates',
  docs: `Answers for every certificate that is installed on the node, or for one: days left, names, whether its key belongs to it, its chain is in order and its key strong enough, and whether a handshake shows the very one that is in the file. Those with a problem, or with less than three weeks left, come first. Changes nothing.`,
  risk: 'low',
  roles: ['web'],
  needsRoot: true,
  readOnly: true,
  args: Type.Object({ domain: Type.Optional(Domain) }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl'],
  locks: () => [],
  async plan(host, args) {
    const domains = args.domain === undefined ? await host.queries.ask('tls.domains', {}) : [args.domain];
    const sites = (await host.web.isRunning()) ? await host.web.sites() : [];
    const portsOf = (domain: string): readonly number[] => [
      ...new Set(sites.filter((site) => site.secure && site.serverName === domain).map(({ port }) => port)),
    ];
    const certificates: ScannedCertificate[] = [];
    for (const domain of domains.slice(0, LIMIT)) certificates.push(await scan(host, domain, portsOf(domain)));
    const bad = certificates.filter(({ problem }) => problem !== null);
    const data = { certificates: [...bad, ...certificates.filter(({ problem }) => problem === null)] };
    const notes = [
      `${domains.length} certificates, ${bad.length} with a problem.`,
      ...bad.slice(0, 50).map(({ domain, problem }) => `${domain}: ${problem ?? ''}`),
    ];
    return { ok: true, changes: [], notes, data };
  },
  verify: () => Promise.resolve([]),
});
