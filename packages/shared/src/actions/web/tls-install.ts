import Type, { type Static } from 'typebox';
import { withReload } from '../apache-changes.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { checkDomain, Domain } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { judgeCertificate, judgeReplacement } from './certificate-rules.ts';
import { attempt } from './verify-steps.ts';
import type { CertificateFacts } from './web-host.ts';

const Args = Type.Object({ domain: Domain }, { additionalProperties: false });
type Args = Static<typeof Args>;

const ROOT_ONLY = { mode: 0o700, uid: 0, gid: 0 } as const;

/** The names of the site that serves this certificate, if there is one. */
async function namesOf(host: Host, domain: string): Promise<readonly string[]> {
  const sites = (await host.web.isInstalled()) ? await host.web.sites() : [];
  const own = sites.filter(({ serverName, secure }) => secure && serverName === domain);
  return [...new Set([domain, ...own.flatMap(({ aliases }) => aliases)])].filter((name) => !name.startsWith('*'));
}

/** What lies in the incoming folder, when it may be served. */
async function loadIncoming(host: Host, domain: string): Promise<CertificateFacts> {
  const answer = await host.queries.ask('tls.facts', { domain, place: 'incoming' });
  const folder = `${layout.TLS_ROOT}/incoming/${domain}`;
  if (answer === null)
    return refuse(`${folder} does not hold fullchain.pem and privkey.pem: put them there on the node, as root`);
  if ('problem' in answer) return refuse(`${folder}: ${answer.problem}`);
  const problem = judgeCertificate(answer.facts, await namesOf(host, domain), host.clock.nowMs());
  return problem === null ? answer.facts : refuse(`the certificate in ${folder} is refused: ${problem}`);
}

async function checkReplacement(host: Host, domain: string, next: CertificateFacts): Promise<void> {
  const now = await host.queries.ask('tls.facts', { domain, place: 'current' });
  if (now === null || 'problem' in now) return;
  const problem = judgeReplacement(now.facts, next, host.clock.nowMs());
  if (problem !== null) refuse(`the new certificate of ${domain} is refused: ${problem}`);
}

async function planInstall(planner: Planner, domain: string): Promise<void> {
  const { host } = planner;
  const facts = await loadIncoming(host, domain);
  await checkReplacement(host, domain, facts);
  const { fingerprint, serial, names } = facts;
  const link = layout.certificateLinkOf(domain);
  const state = await host.files.state(link);
  if (state.type !== 'absent' && state.type !== 'symlink')
    return refuse(`${link} is there, and it is no link: it belongs to something else`);
  await planner.directory(layout.TLS_ROOT, { ...ROOT_ONLY, mode: 0o755 }, { shared: true });
  await planner.directory(`${layout.TLS_ROOT}/${domain}`, ROOT_ONLY, { shared: true });
  const isNew = (await host.resources.read('tls.version', `${domain}/${fingerprint}`)) === null;
  if (isNew) planner.task('tls.tidy', { domain, fingerprint }, 'Remove what a broken-off copy left', 'undo');
  await planner.resource('tls.version', `${domain}/${fingerprint}`, { fingerprint, serial, names });
  const words = { done: `${domain} has a new certificate`, undone: `${domain} has its old certificate` };
  await withReload(planner, words, () =>
    planner.symlink(link, fingerprint, state.type === 'symlink' ? state.target : undefined),
  );
  return planner.note(`Valid until ${new Date(facts.notAfter).toISOString().slice(0, 10)}, from ${facts.issuer}.`);
}

const SERVED_WITHIN_MS = 10_000;
const POLL_MS = 200;

/** Workers of before the reload may still answer for a moment. */
async function verifyServed(host: Host, domain: string, fingerprint: string, port: number): Promise<Verified> {
  const name = `Served on port ${port}`;
  const endMs = host.clock.monotonicMs() + SERVED_WITHIN_MS;
  for (;;) {
    const served = await host.queries.ask('tls.served', { domain, port });
    const ok = !('problem' in served) && served.fingerprint === fingerprint;
    if (ok || host.clock.monotonicMs() >= endMs)
      return { name, ok, saw: 'problem' in served ? served.problem : `serial ${served.serial}` };
    await new Promise<void>((resolve) => void host.clock.after(POLL_MS, resolve));
  }
}

export const tlsInstall = defineAction({
  name: 'tls.install',
  version: 1,
  title: 'Install a certificate',
  docs: `Puts a certificate to use that lies on the node in /etc/hosting/tls/incoming/DOMAIN (fullchain.pem and privkey.pem, root's, closed to others); tls.renew puts it there too. The private key is in no order, no plan and no log. Refused is one that does not parse, does not belong to its key (Apache's own test does not look), does not cover every name of the site, has expired, whose chain is out of order, whose key is weak, or that is signed by itself where a valid one is in use.

It is copied into a folder of its own, a link is renamed over the old one, Apache is rehearsed and reloaded, and a handshake has to show the new serial. Undo is the link back.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'unshare'],
  normalise(args) {
    const problem = checkDomain(args.domain);
    return problem === null ? { ok: true, args } : { ok: false, problem };
  },
  locks: ({ domain }) => ['apache', `tls:${domain}`],
  plan: (host, { domain }) => planChanges(host, (planner) => planInstall(planner, domain)),
  async verify(host, { domain }) {
    const incoming = await host.queries.ask('tls.facts', { domain, place: 'incoming' });
    const current = await host.queries.ask('tls.facts', { domain, place: 'current' });
    if (current === null || 'problem' in current)
      return [{ name: 'Installed', ok: false, saw: current === null ? 'no certificate' : current.problem }];
    const { fingerprint, serial } = current.facts;
    const wanted = incoming === null || 'problem' in incoming ? fingerprint : incoming.facts.fingerprint;
    const checks: Verified[] = [{ name: 'Installed', ok: fingerprint === wanted, saw: `serial ${serial}` }];
    const sites = (await host.web.isRunning()) ? await host.web.sites() : [];
    const ports = new Set(sites.filter((site) => site.secure && site.serverName === domain).map(({ port }) => port));
    for (const port of ports)
      checks.push(await attempt(`Served on port ${port}`, () => verifyServed(host, domain, fingerprint, port)));
    return checks;
  },
});
