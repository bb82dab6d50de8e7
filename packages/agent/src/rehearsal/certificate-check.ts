import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { Directive } from './apache-directives.ts';
import type { Fault } from './apache-fault.ts';

/**
 * Does each certificate belong to its key? Apache's own test says `Syntax OK` to a pair that does not match, and the
 * graceful reload after it ends the whole server.
 */

/** Reads a file by absolute path; null when it is not there. */
export type ReadText = (path: string) => Promise<string | null>;

interface Pair {
  readonly certificate: Directive;
  /** The certificate file holds the key too when there is no directive for it. */
  readonly key: Directive;
}

/** The n-th certificate of a virtual host goes with its n-th key. */
function pairCertificates(directives: readonly Directive[]): readonly Pair[] {
  const byHost = new Map<string, Directive[]>();
  for (const directive of directives) {
    const id = `${directive.file}:${directive.host ?? 0}`;
    byHost.set(id, [...(byHost.get(id) ?? []), directive]);
  }
  return [...byHost.values()].flatMap((own) => {
    const keys = own.filter(({ name }) => name === 'sslcertificatekeyfile');
    return own
      .filter(({ name }) => name === 'sslcertificatefile')
      .map((certificate, index) => ({ certificate, key: keys[index] ?? certificate }));
  });
}

const faultAt = ({ file, line }: Directive, problem: string): Fault => ({ file, line, problem });

/** A path with a variable or relative to the server root is left to Apache itself. */
const literalPath = (directive: Directive): string | null => {
  const path = directive.args[0] ?? '';
  return path.startsWith('/') && !path.includes('${') ? path : null;
};

function parseCertificate(directive: Directive, text: string): X509Certificate | Fault {
  try {
    return new X509Certificate(text);
  } catch (error) {
    return faultAt(
      directive,
      `${directive.args[0] ?? ''} is no certificate: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

/** Null for a key with a passphrase: only Apache's own dialogue could open it. */
function parseKey(directive: Directive, text: string): KeyObject | Fault | null {
  if (/ENCRYPTED/.test(text)) return null;
  try {
    return createPrivateKey(text);
  } catch (error) {
    return faultAt(
      directive,
      `${directive.args[0] ?? ''} is no private key: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

async function checkPair({ certificate, key }: Pair, readText: ReadText): Promise<Fault | null> {
  const [certificatePath, keyPath] = [literalPath(certificate), literalPath(key)];
  if (certificatePath === null || keyPath === null) return null;
  const [certificateText, keyText] = [await readText(certificatePath), await readText(keyPath)];
  if (certificateText === null) return faultAt(certificate, `certificate ${certificatePath} does not exist`);
  if (keyText === null) return faultAt(key, `key ${keyPath} does not exist`);
  const parsed = parseCertificate(certificate, certificateText);
  if (!(parsed instanceof X509Certificate)) return parsed;
  const privateKey = parseKey(key, keyText);
  if (privateKey === null) return null;
  if ('problem' in privateKey) return privateKey;
  return parsed.checkPrivateKey(privateKey)
    ? null
    : faultAt(key, `certificate ${certificatePath} does not belong to key ${keyPath}`);
}

/** The first pair that does not match, with the place of its key; null when all do. */
export async function checkCertificates(directives: readonly Directive[], readText: ReadText): Promise<Fault | null> {
  for (const pair of pairCertificates(directives)) {
    const fault = await checkPair(pair, readText);
    if (fault !== null) return fault;
  }
  return null;
}
