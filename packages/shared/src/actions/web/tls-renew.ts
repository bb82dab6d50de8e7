import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { checkDomain, Domain } from '../params.ts';
import { planChanges, refuse } from '../planner.ts';
import { daysLeft, judgeCertificate, judgeReplacement } from './certificate-rules.ts';

/** Sooner than that an authority counts it as one too many. */
const RENEW_DAYS = 30;

export const tlsRenew = defineAction({
  name: 'tls.renew',
  version: 1,
  title: 'Renew a certificate',
  docs: `Has the machine's own ACME client (certbot, which has to know the name already) renew a certificate, in a unit of its own, and puts the result into /etc/hosting/tls/incoming/DOMAIN. Nothing that is in use changes: tls.install puts it to use, with its checks. Does nothing while the certificate in use is good for more than 30 days. A result that is not good, or that is signed by itself, is refused. What the authority issued can not be taken back.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({ domain: Domain }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 300_000,
  programs: ['systemd-run'],
  normalise(args) {
    const problem = checkDomain(args.domain);
    return problem === null ? { ok: true, args } : { ok: false, problem };
  },
  locks: ({ domain }) => ['acme', `tls:${domain}`],
  plan: (host, { domain }) =>
    planChanges(host, async (planner) => {
      const now = await host.queries.ask('tls.facts', { domain, place: 'current' });
      const facts = now === null || 'problem' in now ? null : now.facts;
      const nowMs = host.clock.nowMs();
      if (facts !== null && judgeCertificate(facts, [domain], nowMs) === null && daysLeft(facts, nowMs) > RENEW_DAYS)
        return planner.note(`The certificate of ${domain} is good for ${daysLeft(facts, nowMs)} days more.`);
      const client = await host.queries.ask('tls.client', { domain });
      if ('problem' in client) return refuse(client.problem);
      const args = { domain, fingerprint: facts?.fingerprint ?? null, client: client.client };
      return planner.task('tls.renew', args, `Have ${client.client} renew the certificate of ${domain}`);
    }),
  async verify(host, { domain }, changes) {
    if (changes.length === 0) return [];
    const [incoming, now] = [
      await host.queries.ask('tls.facts', { domain, place: 'incoming' }),
      await host.queries.ask('tls.facts', { domain, place: 'current' }),
    ];
    if (incoming === null || 'problem' in incoming)
      return [{ name: 'A new certificate', ok: false, saw: incoming?.problem ?? 'none came' }];
    const nowMs = host.clock.nowMs();
    const current = now === null || 'problem' in now ? null : now.facts;
    const isNew = current?.fingerprint !== incoming.facts.fingerprint;
    const problem =
      judgeCertificate(incoming.facts, [domain], nowMs) ??
      (current === null ? null : judgeReplacement(current, incoming.facts, nowMs));
    return [
      { name: 'A new certificate', ok: isNew, saw: isNew ? `serial ${incoming.facts.serial}` : 'the one in use' },
      { name: 'It is good', ok: problem === null, saw: problem ?? `${daysLeft(incoming.facts, nowMs)} days` },
    ];
  },
});
