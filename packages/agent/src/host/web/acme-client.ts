import { TLS_ROOT, type HostFiles, type HostPrograms } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { saidBy } from '../run-program.ts';
import { CHAIN_FILE, checkDomainName, incomingFolder, judgePair, KEY_FILE } from './certificates.ts';

/** Renewal by certbot, which keeps its account, its way of proof and its state itself. */

const CERTBOT = '/usr/bin/certbot';
const ROOT = '/etc/letsencrypt';
const WITHIN_MS = 280_000;
/** A node whose first certificate this is has none of them. */
const PARENTS = [
  { path: '/etc/hosting', mode: 0o755 },
  { path: TLS_ROOT, mode: 0o755 },
  { path: `${TLS_ROOT}/incoming`, mode: 0o700 },
] as const;

type Client = { readonly client: 'certbot' } | { readonly problem: string };

export async function findClient(files: HostFiles, domain: string): Promise<Client> {
  if ((await files.state(CERTBOT)).type === 'absent')
    return { problem: 'no ACME client is on this node: install the package certbot' };
  const known = await files.state(`${ROOT}/renewal/${checkDomainName(domain)}.conf`);
  return known.type === 'file'
    ? { client: 'certbot' }
    : { problem: `certbot does not know ${domain}: obtain its first certificate on the node with certbot certonly` };
}

/** What certbot calls live is a link into its archive; nothing else is followed. */
async function readLive(files: HostFiles, domain: string, name: 'fullchain' | 'privkey'): Promise<string> {
  const path = `${ROOT}/live/${domain}/${name}.pem`;
  const link = await files.state(path);
  const target = link.type === 'symlink' ? link.target : '';
  const archived = /^\.\.\/\.\.\/archive\/([a-z0-9.-]+)\/((?:fullchain|privkey)[0-9]{1,6}\.pem)$/.exec(target);
  if (archived?.[1] !== domain || archived[2]?.startsWith(name) !== true)
    throw new HaubanError('ACTION_FAILED', `${path} does not point into certbot's archive of ${domain}`);
  const state = await files.state(`${ROOT}/archive/${domain}/${archived[2]}`);
  if (state.type !== 'file') throw new HaubanError('ACTION_FAILED', `${path} points to no file`);
  return state.content;
}

export interface AcmeParts {
  readonly files: HostFiles;
  readonly programs: HostPrograms;
}

/** In a unit of its own, outside of the executor's sandbox; the result lies in the incoming folder when it returns. */
export async function renewCertificate(
  { files, programs }: AcmeParts,
  { domain, fingerprint }: { readonly domain: string; readonly fingerprint: string | null },
): Promise<void> {
  const client = await findClient(files, domain);
  if ('problem' in client) throw new HaubanError('ACTION_REFUSED', client.problem);
  const result = await programs.run(
    'systemd-run',
    [
      ...['--quiet', '--wait', '--pipe', '--collect', '--unit=hauban-acme.service', '--service-type=exec'],
      ...['--property=WorkingDirectory=/', '--', CERTBOT, 'renew', '--cert-name', domain],
      ...['--non-interactive', '--no-random-sleep-on-renew'],
    ],
    { timeoutMs: WITHIN_MS },
  );
  if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `certbot renew: ${saidBy(result)}`);
  const pair = { chain: await readLive(files, domain, 'fullchain'), key: await readLive(files, domain, 'privkey') };
  const answer = judgePair(pair);
  if ('problem' in answer)
    throw new HaubanError('ACTION_FAILED', `certbot's certificate of ${domain}: ${answer.problem}`);
  if (answer.facts.fingerprint === fingerprint)
    throw new HaubanError(
      'ACTION_FAILED',
      `certbot ended well and the certificate of ${domain} is the one from before`,
    );
  const folder = incomingFolder(domain);
  for (const { path, mode } of PARENTS)
    if ((await files.state(path)).type === 'absent') await files.makeDirectory(path, { mode, uid: 0, gid: 0 });
  await files.makeDirectory(folder, { mode: 0o700, uid: 0, gid: 0 });
  await files.writeFile(`${folder}/${KEY_FILE}`, pair.key, { mode: 0o600, uid: 0, gid: 0 });
  await files.writeFile(`${folder}/${CHAIN_FILE}`, pair.chain, { mode: 0o600, uid: 0, gid: 0 });
}
