import type { CertificateFacts } from './web-host.ts';

/** What a certificate has to be. Pure; the node reads the facts, Apache's own test looks at none of them. */

const DAY_MS = 86_400_000;

/** A wildcard stands for one label, as browsers take it. */
export const coversName = (certificateNames: readonly string[], name: string): boolean =>
  certificateNames.some(
    (own) => own === name || (own.startsWith('*.') && own.slice(1) === name.slice(name.indexOf('.'))),
  );

export const daysLeft = ({ notAfter }: Pick<CertificateFacts, 'notAfter'>, nowMs: number): number =>
  Math.floor((notAfter - nowMs) / DAY_MS);

function checkNames({ names }: CertificateFacts, wanted: readonly string[]): string | null {
  const absent = wanted.filter((name) => !coversName(names, name));
  return absent.length === 0
    ? null
    : `it is for ${names.slice(0, 5).join(', ') || 'no name'} and does not cover ${absent.slice(0, 5).join(', ')}`;
}

function checkTime({ notBefore, notAfter }: CertificateFacts, nowMs: number): string | null {
  if (notAfter <= nowMs) return `it expired ${Math.ceil((nowMs - notAfter) / DAY_MS)} days ago`;
  if (notAfter <= nowMs + DAY_MS) return 'it expires within a day';
  return notBefore > nowMs ? 'it is not valid yet: compare the clocks' : null;
}

function checkKey({ key, isKeyStrong, keyMatches }: CertificateFacts): string | null {
  if (!keyMatches) return 'the private key does not belong to the certificate';
  return isKeyStrong ? null : `its key is too weak (${key}): RSA needs 2048 bits, EC needs P-256 or P-384`;
}

const checkChain = ({ isChainInOrder }: CertificateFacts): string | null =>
  isChainInOrder ? null : 'its chain is not in order: the site first, then each one that signed the one before';

/** Null when it may be served for these names; else what is wrong with it, in one sentence. */
export function judgeCertificate(facts: CertificateFacts, wanted: readonly string[], nowMs: number): string | null {
  return checkKey(facts) ?? checkNames(facts, wanted) ?? checkTime(facts, nowMs) ?? checkChain(facts);
}

/** A certificate that browsers believe is never replaced by one that they do not. */
export function judgeReplacement(now: CertificateFacts, next: CertificateFacts, nowMs: number): string | null {
  return next.isSelfSigned && !now.isSelfSigned && now.notAfter > nowMs
    ? 'it is signed by itself, and the one in use is valid and signed by an authority'
    : null;
}
