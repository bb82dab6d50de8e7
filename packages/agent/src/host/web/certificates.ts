import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { connect } from 'node:tls';
import {
  TLS_ROOT,
  type CertificateAnswer,
  type CertificateFacts,
  type HostFiles,
  type ServedCertificate,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { ResourceDriver } from '../drivers.ts';

/** Certificates in root's folders. Private keys are read and written here, and never leave. */

export const CHAIN_FILE = 'fullchain.pem';
export const KEY_FILE = 'privkey.pem';
const DOMAIN = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;
const FINGERPRINT = /^[0-9a-f]{64}$/;
const MAX_CHAIN = 10;
const HANDSHAKE_TIMEOUT_MS = 5000;

export function checkDomainName(domain: string): string {
  if (!DOMAIN.test(domain)) throw new HaubanError('ACTION_REFUSED', `${domain.slice(0, 80)} is no domain`);
  return domain;
}

export const incomingFolder = (domain: string): string => `${TLS_ROOT}/incoming/${checkDomainName(domain)}`;

/** Two texts as they lie on disk. */
interface Pair {
  readonly chain: string;
  readonly key: string;
}

const plain = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 120);

/** Names as browsers compare them; what is quoted or no host name is none. */
function namesOf(certificate: X509Certificate): readonly string[] {
  const entries = (certificate.subjectAltName ?? '').split(', ');
  return entries
    .flatMap((entry) => /^DNS:((?:\*\.)?[A-Za-z0-9.-]{1,253})$/.exec(entry)?.[1]?.toLowerCase() ?? [])
    .slice(0, 200);
}

function keyText({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): {
  readonly key: string;
  readonly isKeyStrong: boolean;
} {
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  const curve = asymmetricKeyDetails?.namedCurve ?? '';
  if (asymmetricKeyType === 'rsa') return { key: `rsa ${bits}`, isKeyStrong: bits >= 2048 };
  return {
    key: `${asymmetricKeyType ?? 'unknown'} ${curve}`.trim(),
    isKeyStrong: ['prime256v1', 'secp384r1'].includes(curve),
  };
}

const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

function parseChain(text: string): readonly X509Certificate[] | null {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,20000}-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.slice(0, MAX_CHAIN).map((block) => new X509Certificate(block));
  } catch {
    // OpenSSL's own words say nothing to a person.
    return null;
  }
}

function parseKey(text: string): KeyObject | null {
  try {
    return createPrivateKey(text);
  } catch {
    // What is wrong with a key is never repeated: the words could hold a part of it.
    return null;
  }
}

export function judgePair({ chain, key }: Pair): Exclude<CertificateAnswer, null> {
  const certificates = parseChain(chain);
  const own = certificates?.[0];
  if (certificates === null || own === undefined) return { problem: `${CHAIN_FILE} is no certificate` };
  const privateKey = parseKey(key);
  if (privateKey === null) return { problem: `${KEY_FILE} is no private key that can be used without a passphrase` };
  const facts: CertificateFacts = {
    fingerprint: own.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: own.serialNumber,
    names: namesOf(own),
    notBefore: Date.parse(own.validFrom),
    notAfter: Date.parse(own.validTo),
    issuer: plain(/^(?:CN|O)=(.*)$/m.exec(own.issuer)?.[1] ?? own.issuer),
    isSelfSigned: isSignedBy(own, own),
    ...keyText(own.publicKey),
    keyMatches: own.checkPrivateKey(privateKey),
    isChainInOrder: certificates.every((certificate, index) => {
      const next = certificates[index + 1];
      return next === undefined || isSignedBy(certificate, next);
    }),
  };
  return { facts };
}

async function readFile(
  files: HostFiles,
  path: string,
  isSecret: boolean,
): Promise<string | { readonly problem: string } | null> {
  const state = await files.state(path);
  if (state.type === 'absent') return null;
  if (state.type !== 'file') return { problem: `${path} is no plain file` };
  if (isSecret && (state.uid !== 0 || (state.mode & 0o077) !== 0))
    return { problem: `${path} can be read by others: make it root's, mode 0600, and think of the key as known` };
  return state.content;
}

async function readPair(files: HostFiles, folder: string): Promise<Pair | { readonly problem: string } | null> {
  const chain = await readFile(files, `${folder}/${CHAIN_FILE}`, false);
  const key = await readFile(files, `${folder}/${KEY_FILE}`, true);
  if (chain === null || key === null) return null;
  if (typeof chain !== 'string') return chain;
  return typeof key === 'string' ? { chain, key } : key;
}

async function readFacts(files: HostFiles, folder: string): Promise<CertificateAnswer> {
  const pair = await readPair(files, folder);
  if (pair === null || 'problem' in pair) return pair;
  return judgePair(pair);
}

/** The folder that `current` points to. */
async function currentFolder(files: HostFiles, domain: string): Promise<string | null> {
  const state = await files.state(`${TLS_ROOT}/${checkDomainName(domain)}/current`);
  return state.type === 'symlink' && FINGERPRINT.test(state.target) ? `${TLS_ROOT}/${domain}/${state.target}` : null;
}

export async function certificateFacts(
  files: HostFiles,
  domain: string,
  place: 'incoming' | 'current',
): Promise<CertificateAnswer> {
  const folder = place === 'incoming' ? incomingFolder(domain) : await currentFolder(files, domain);
  return folder === null ? null : readFacts(files, folder);
}

export const listDomains = async (files: HostFiles): Promise<readonly string[]> =>
  (await files.list(TLS_ROOT)).filter((name) => DOMAIN.test(name));

/** What the server on this node shows for that name. */
export function servedCertificate(
  domain: string,
  port: number,
): Promise<ServedCertificate | { readonly problem: string }> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: checkDomainName(domain),
      // It is looked at, not believed.
      rejectUnauthorized: false,
    });
    const end = (answer: ServedCertificate | { readonly problem: string }): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () => end({ problem: `no handshake on port ${port} in time` }));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end({ problem: `no handshake on port ${port} (${error.code ?? 'failed'})` }),
    );
    socket.once('secureConnect', () => {
      const { fingerprint256, serialNumber } = socket.getPeerCertificate();
      end({ fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(), serial: serialNumber });
    });
  });
}

function parseVersion(id: string): { readonly domain: string; readonly fingerprint: string; readonly folder: string } {
  const [domain = '', fingerprint = '', ...more] = id.split('/');
  if (more.length > 0 || !FINGERPRINT.test(fingerprint))
    throw new HaubanError('ACTION_REFUSED', `${id.slice(0, 80)} is no certificate`);
  return { domain: checkDomainName(domain), fingerprint, folder: `${TLS_ROOT}/${domain}/${fingerprint}` };
}

/** What a crash in the middle of a copy may have left. */
export const tidyVersion = (files: HostFiles, domain: string, fingerprint: string): Promise<void> =>
  files.removeLeftovers(parseVersion(`${domain}/${fingerprint}`).folder);

export function createVersions(files: HostFiles): ResourceDriver<'tls.version'> {
  const take = async (id: string): Promise<void> => {
    const { domain, fingerprint, folder } = parseVersion(id);
    const pair = await readPair(files, incomingFolder(domain));
    const answer = pair === null || 'problem' in pair ? pair : judgePair(pair);
    if (pair === null || 'problem' in pair || answer === null || 'problem' in answer)
      throw new HaubanError('CHANGE_CONFLICT', `${incomingFolder(domain)} does not hold the certificate any more`);
    if (answer.facts.fingerprint !== fingerprint)
      throw new HaubanError(
        'CHANGE_CONFLICT',
        `${incomingFolder(domain)} holds another certificate than the planned one`,
      );
    // Both files or none: it is filled under another name.
    await files.makeDirectory(folder, { mode: 0o700, uid: 0, gid: 0 }, [
      { name: CHAIN_FILE, content: pair.chain, mode: 0o600 },
      { name: KEY_FILE, content: pair.key, mode: 0o600 },
    ]);
  };
  const remove = async (id: string): Promise<void> => {
    const { domain, folder } = parseVersion(id);
    if ((await currentFolder(files, domain)) === folder)
      throw new HaubanError('CHANGE_CONFLICT', `${folder} is in use: it is kept`);
    for (const name of [CHAIN_FILE, KEY_FILE]) await files.removeFile(`${folder}/${name}`);
    await files.removeDirectory(folder);
  };
  return {
    async read(id) {
      const { folder } = parseVersion(id);
      if ((await files.state(folder)).type === 'absent') return null;
      const answer = await readFacts(files, folder);
      if (answer === null || 'problem' in answer)
        throw new HaubanError('ACTION_REFUSED', `${folder} is there and holds no good pair: look at it on the node`);
      const { fingerprint, serial, names } = answer.facts;
      return { fingerprint, serial, names };
    },
    async write(id, value) {
      if (value === null) await remove(id);
      else await take(id);
    },
  };
}
