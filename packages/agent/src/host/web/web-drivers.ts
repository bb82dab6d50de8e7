/** Sites, certificates, Apache's and nginx's restart, and PHP's. */
import type { WebQueries, WebResources, WebTasks } from '@hauban/shared/actions';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { findClient, renewCertificate } from './acme-client.ts';
import { certificateFacts, createVersions, listDomains, servedCertificate, tidyVersion } from './certificates.ts';
import { createDocroots } from './docroot.ts';
import { nginxState, reloadNginx } from './nginx.ts';
import { refreshPhp } from './refresh-php.ts';
import { restartApache, restartNginx } from './restart-server.ts';
import { scanSite } from './scan-site.ts';

export function createWebDrivers(parts: DriverParts): FamilyDrivers<WebResources, WebTasks, WebQueries> {
  const { accounts, clock, files, isSystemd, php, programs } = parts;
  return {
    resources: { 'web.docroot': createDocroots(accounts), 'tls.version': createVersions(files) },
    tasks: {
      'php.refresh': (args) => refreshPhp({ files, accounts, php }, args),
      'apache.restart': ({ pid }) => restartApache({ programs, clock, isSystemd }, pid),
      'nginx.reload': ({ pid }) => reloadNginx(programs, clock, pid),
      'nginx.restart': ({ pid }) => restartNginx({ programs, clock, isSystemd }, pid),
      'tls.renew': (args) => renewCertificate({ files, programs }, args),
      'tls.tidy': ({ domain, fingerprint }) => tidyVersion(files, domain, fingerprint),
    },
    queries: {
      'tls.facts': ({ domain, place }) => certificateFacts(files, domain, place),
      'tls.domains': () => listDomains(files),
      'tls.served': ({ domain, port }) => servedCertificate(domain, port),
      'tls.client': ({ domain }) => findClient(files, domain),
      'site.scan': (args) => scanSite(clock, args),
      'nginx.state': () => nginxState(programs, clock),
    },
  };
}
