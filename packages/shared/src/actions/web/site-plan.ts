import { withReload } from '../apache-changes.ts';
import type { Verified } from '../define-action.ts';
import type { FileMeta, Host, HttpProbe, WebSite } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { refuse, type Planner } from '../planner.ts';
import { judgeCertificate } from './certificate-rules.ts';
import { parseSite } from './site-settings.ts';
import { attempt, verifyMaster, verifyPage } from './verify-steps.ts';
import type { WebAccount } from './web-account.ts';

/** What the actions on one site have in common. */

const ROOT_FILE: FileMeta = { mode: 0o644, uid: 0, gid: 0 };

export interface SiteName {
  readonly account: string;
  readonly domain: string;
}

export const siteFileOf = ({ account, domain }: SiteName): string =>
  `${layout.SITES_AVAILABLE}/${layout.siteFileName(account, domain)}`;
export const siteLinkOf = ({ account, domain }: SiteName): string =>
  `${layout.SITES_ENABLED}/${layout.siteFileName(account, domain)}`;
export const siteTargetOf = ({ account, domain }: SiteName): string =>
  `../sites-available/${layout.siteFileName(account, domain)}`;
export const siteLocks = ({ account }: SiteName): readonly string[] => [`account:${account}`, 'apache'];

/** The addresses under which a site answers. */
export function sitePlaces(domain: string, { https }: layout.SiteSettings, path = '/'): readonly HttpProbe[] {
  const plain = { host: domain, path, port: 80 };
  return https === 'none' ? [plain] : [plain, { host: domain, path, port: 443, secure: true }];
}

export async function checkApache(host: Host): Promise<void> {
  if (!(await host.web.isInstalled())) refuse('Apache is not installed on this node: install the package apache2');
  if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
}

/** The settings of a site that is there; refuses one that is not, or that was changed by hand. */
export async function loadSite(host: Host, name: SiteName): Promise<layout.SiteSettings> {
  const path = siteFileOf(name);
  const state = await host.files.state(path);
  if (state.type !== 'file') return refuse(`${name.account} has no site ${name.domain} on this node`);
  const settings = parseSite(name.account, name.domain, state.content);
  return settings ?? refuse(`${path} was changed by hand or belongs to something else: put it back first`);
}

const answersFor = (site: WebSite, name: string): boolean =>
  [site.serverName, ...site.aliases].some(
    (own) => own === name || (own.startsWith('*.') && name.endsWith(own.slice(1))),
  );

/** A name has one site on a node, whoever's it is; a wildcard of somebody else counts. */
export async function checkNames(host: Host, site: SiteName, names: readonly string[]): Promise<void> {
  const own = `/${layout.siteFileName(site.account, site.domain)}`;
  const sites = (await host.web.sites()).filter(({ file }) => !file.endsWith(own));
  for (const name of names) {
    const other = sites.find((candidate) => answersFor(candidate, name));
    if (other !== undefined) refuse(`${name} is a site already: ${other.file} line ${other.line}`);
  }
}

/** With https the certificate comes first: Apache would not start without its files. */
async function checkTls(host: Host, { domain }: SiteName, settings: layout.SiteSettings): Promise<void> {
  if (settings.https === 'none') return;
  if (!(await host.web.modules()).includes('ssl')) refuse("Apache's module ssl is not enabled: run a2enmod ssl");
  const answer = await host.queries.ask('tls.facts', { domain, place: 'current' });
  if (answer === null) return refuse(`${domain} has no certificate on this node: use tls.install first`);
  if ('problem' in answer) return refuse(`the certificate of ${domain} is not good: ${answer.problem}`);
  const problem = judgeCertificate(answer.facts, [domain, ...settings.aliases], host.clock.nowMs());
  if (problem !== null) refuse(`the certificate of ${domain} is not good: ${problem}`);
}

async function planDocroot(planner: Planner, account: WebAccount, docroot: string): Promise<void> {
  if (docroot === '') return;
  const parts = docroot.split('/');
  for (const index of parts.keys()) {
    const id = `${account.account}/${parts.slice(0, index + 1).join('/')}`;
    const there = await planner.host.resources.read('web.docroot', id);
    if (there === null) await planner.resource('web.docroot', id, { uid: account.uid, mode: 0o711 });
  }
}

async function planLogs(planner: Planner, { account, domain }: SiteName): Promise<void> {
  for (const log of ['access', 'error'])
    await planner.file(
      `${layout.logFolderOf(account)}/${domain}.${log}.log`,
      '',
      { mode: 0o640, uid: 0, gid: 0 },
      { grows: true },
    );
}

/** Brings a site's file about. `before` null: a new site. */
export async function planSite(
  planner: Planner,
  account: WebAccount,
  domain: string,
  settings: { readonly before: layout.SiteSettings | null; readonly after: layout.SiteSettings },
): Promise<void> {
  const name = { account: account.account, domain };
  const { before, after } = settings;
  await checkTls(planner.host, name, after);
  await planDocroot(planner, account, after.docroot);
  await planLogs(planner, name);
  const content = layout.siteConfig(account.account, domain, after);
  const words = {
    done: before === null ? `${domain} is new` : `${domain} has changed`,
    undone: before === null ? `${domain} is gone` : `${domain} is as before`,
  };
  const isChanged = await withReload(planner, words, async () => {
    if (before === null) await planner.file(siteFileOf(name), content, ROOT_FILE);
    else await planner.rewrite(siteFileOf(name), layout.siteConfig(account.account, domain, before), content);
    await planner.symlink(siteLinkOf(name), siteTargetOf(name));
  });
  if (!isChanged) return;
  const master = layout.phpMasterOf(account.account, account.uid, account.currentVersion);
  for (const site of sitePlaces(domain, after)) planner.add({ kind: 'php-check', master, through: 'apache', site });
}

/** The site as it should be now: its names listed by Apache, PHP behind it as the account, its page not failing. */
export async function verifySite(
  host: Host,
  account: WebAccount,
  domain: string,
  settings: layout.SiteSettings,
): Promise<readonly Verified[]> {
  const master = layout.phpMasterOf(account.account, account.uid, account.currentVersion);
  const file = siteLinkOf({ account: account.account, domain });
  const checks: Verified[] = [
    await attempt('Apache lists its names', async () => {
      const own = (await host.web.sites()).filter((site) => site.file === file);
      const names = new Set(own.flatMap((site) => [site.serverName, ...site.aliases]));
      const absent = [domain, ...settings.aliases].filter((name) => !names.has(name));
      return { name: 'Apache lists its names', ok: absent.length === 0, saw: absent.join(', ') || 'all' };
    }),
  ];
  for (const site of sitePlaces(domain, settings)) {
    checks.push(...(await verifyMaster(host, master, site)));
    checks.push(await verifyPage(host, site));
  }
  return checks;
}
