import { X509Certificate } from 'node:crypto';
import type { CertificateRow } from '@hauban/shared/inventory';
import type { InventoryHost } from '../host/inventory-host.ts';
import type { Section } from './section.ts';
import { takeSites } from './sites.ts';

async function candidateFiles(host: InventoryHost): Promise<string[]> {
  const files = new Set<string>();
  for (const site of await takeSites(host)) {
    if (site.certificate?.startsWith('/') === true) files.add(site.certificate);
  }
  for (const name of await host.list('/etc/letsencrypt/live')) files.add(`/etc/letsencrypt/live/${name}/fullchain.pem`);
  for (const name of await host.list('/etc/hosting/tls')) files.add(`/etc/hosting/tls/${name}/current/fullchain.pem`);
  return [...files].sort();
}

/** The first certificate of a PEM file, or null when it is not one. */
function readCertificate(file: string, pem: string): CertificateRow | null {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^[A-Za-z ]+:/, ''));
  return {
    file,
    subject: certificate.subject,
    names,
    issuer: certificate.issuer,
    validTo: new Date(certificate.validTo).toISOString(),
  };
}

/** Certificates that the sites name, of the machine's ACME client, and our own; what cannot be read is listed too. */
export const certificates: Section = {
  name: 'certificates',
  async take(host) {
    const rows: CertificateRow[] = [];
    const unreadable: string[] = [];
    for (const file of await candidateFiles(host)) {
      const pem = await host.readText(file);
      const row = pem === null ? null : readCertificate(file, pem);
      if (row === null) unreadable.push(file);
      else rows.push(row);
    }
    return { certificates: rows, unreadable };
  },
};
