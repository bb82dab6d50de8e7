import Type, { type Static } from 'typebox';
import type { FileMeta, Host, PhpMaster, UserEntry, WebSite } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName, checkAccountName, checkDomain, Comment, Domain, PhpVersion, Uid } from '../params.ts';
import { refuse, type Planner } from '../planner.ts';
import { PROBE_PAGE } from '../web/probe-page.ts';

/** What a new account consists of, in parts: one account takes them one after the other, many take each part together. */

export const NewAccount = Type.Object(
  { name: AccountName, domain: Domain, phpVersion: PhpVersion, uid: Uid, comment: Type.Optional(Comment) },
  { additionalProperties: false },
);
export type NewAccount = Static<typeof NewAccount>;

/** What the patterns can not say; null: nothing is wrong. */
export const checkNewAccount = ({ name, domain }: NewAccount): string | null =>
  checkAccountName(name) ?? checkDomain(domain);

const ROOT_ONLY: FileMeta = { mode: 0o755, uid: 0, gid: 0 };
const rootFile = (mode: number): FileMeta => ({ mode, uid: 0, gid: 0 });

const userOf = ({ name, uid, comment }: NewAccount): UserEntry => ({
  name,
  uid,
  gid: uid,
  comment: comment ?? '',
  home: layout.homeOf(name),
  shell: layout.NOLOGIN,
});
export const masterOf = ({ name, uid, phpVersion }: NewAccount): PhpMaster => layout.phpMasterOf(name, uid, phpVersion);
export const siteOf = ({ domain }: NewAccount) => ({ host: domain, path: '/', port: 80 });

/** What every account needs of the node. */
export async function checkNode(host: Host, wanted: readonly string[]): Promise<void> {
  if (!(await host.web.isInstalled())) refuse('Apache is not installed on this node: install the package apache2');
  if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
  const versions = await host.php.installedVersions();
  const missing = wanted.find((version) => !versions.includes(version));
  if (missing !== undefined)
    refuse(`PHP ${missing} is not installed on this node; installed: ${versions.join(', ') || 'none'}`);
  const modules = await host.web.modules();
  const absent = ['proxy', 'proxy_fcgi'].filter((module) => !modules.includes(module));
  if (absent.length > 0)
    refuse(`Apache's modules ${absent.join(', ')} are not enabled: run a2enmod ${absent.join(' ')}`);
}

/** A domain has one site. */
function checkSite(sites: readonly WebSite[], { name, domain }: NewAccount): void {
  const own = layout.siteFileName(name, domain);
  const other = sites.find(
    (site) => (site.serverName === domain || site.aliases.includes(domain)) && !site.file.endsWith(`/${own}`),
  );
  if (other !== undefined) refuse(`${domain} is a site already: ${other.file} line ${other.line}`);
}

/** Unknown names must not fall to a customer. */
export function noteDefaultSite(planner: Planner, sites: readonly WebSite[], accounts: readonly NewAccount[]): void {
  const own = new Set(accounts.map(({ name, domain }) => `/${layout.siteFileName(name, domain)}`));
  const isOther = ({ file }: WebSite): boolean => !own.has(file.slice(file.lastIndexOf('/')));
  if (!sites.some((site) => site.port === 80 && site.isDefault && isOther(site)))
    planner.note('No other site is the default of port 80: requests for unknown names will be answered by this one.');
}

export async function loadWebGid(host: Host): Promise<number> {
  const group = await host.accounts.groupByName(layout.WEB_GROUP);
  return group === null ? refuse(`group ${layout.WEB_GROUP} does not exist: is this Debian's Apache?`) : group.gid;
}

/** Folders that all accounts have in common. */
export async function planSharedFolders(planner: Planner): Promise<void> {
  const shared = ['/srv', layout.HOMES_ROOT, '/etc/hosting', layout.CONFIG_ROOT, layout.LOG_ROOT, layout.RUN_ROOT];
  for (const folder of [...shared, '/etc/tmpfiles.d']) await planner.directory(folder, ROOT_ONLY, { shared: true });
}

async function planHome(planner: Planner, { name, uid }: NewAccount): Promise<void> {
  const home = layout.homeOf(name);
  // System folders of the tree belong to root, as sshd's ChrootDirectory wants them.
  for (const folder of ['', '/bin', '/dev', '/etc', '/lib', '/lib64', '/usr', '/var'])
    await planner.directory(`${home}${folder}`, ROOT_ONLY);
  await planner.directory(`${home}/tmp`, { mode: 0o700, uid, gid: uid });
  for (const folder of ['/var/log', '/var/awstats', '/backups'])
    await planner.directory(`${home}${folder}`, { mode: 0o750, uid: 0, gid: uid });
  // 0711: Apache passes through to files that the account made readable, and can list nothing.
  await planner.directory(
    `${home}/var/www`,
    { mode: 0o711, uid, gid: uid },
    { initial: [{ name: 'index.php', content: layout.FIRST_PAGE, mode: 0o600 }] },
  );
}

/** Everything that its PHP needs before it starts. */
async function planPhpFiles(planner: Planner, args: NewAccount, webGid: number): Promise<void> {
  const { name, domain, phpVersion } = args;
  const master = masterOf(args);
  await planner.directory(layout.configFolderOf(name), ROOT_ONLY);
  await planner.file(master.configFile, layout.poolConfig(master, webGid), rootFile(0o644));
  await planner.file(layout.probeFileOf(name), PROBE_PAGE, rootFile(0o644));
  await planner.directory(layout.logFolderOf(name), rootFile(0o750));
  for (const log of [
    layout.phpLogOf(name),
    `${layout.logFolderOf(name)}/${domain}.access.log`,
    `${layout.logFolderOf(name)}/${domain}.error.log`,
  ])
    await planner.file(log, '', rootFile(0o640), { grows: true });
  await planner.directory(layout.runFolderOf(name), { mode: 0o750, uid: 0, gid: webGid });
  await planner.file(layout.tmpfilesOf(name), layout.tmpfilesConfig(name, phpVersion, webGid), rootFile(0o644));
}

/** The name by which its virtual host finds its PHP. */
export const planSocketLink = (planner: Planner, args: NewAccount): Promise<void> =>
  planner.symlink(layout.socketLinkOf(args.name), masterOf(args).socket);

/** Without the reload after it. */
export async function planSiteFiles(planner: Planner, { name, domain }: NewAccount): Promise<void> {
  const file = layout.siteFileName(name, domain);
  await planner.file(`${layout.SITES_AVAILABLE}/${file}`, layout.siteConfig(name, domain), rootFile(0o644));
  await planner.symlink(`${layout.SITES_ENABLED}/${file}`, `../sites-available/${file}`);
}

async function checkNotSwitched(host: Host, { name, phpVersion }: NewAccount): Promise<void> {
  const link = await host.files.state(layout.socketLinkOf(name));
  const current = link.type === 'symlink' ? layout.versionOfTarget(name, link.target) : null;
  if (current !== null && current !== phpVersion)
    refuse(`account ${name} exists and has PHP ${current}: use php.switch-version`);
}

/** Its user, its tree and what its PHP needs, once nothing is found that speaks against it. */
export async function planAccount(
  planner: Planner,
  args: NewAccount,
  { sites, webGid }: { readonly sites: readonly WebSite[]; readonly webGid: number },
): Promise<void> {
  const { host } = planner;
  const wrong = checkNewAccount(args);
  if (wrong !== null) refuse(wrong);
  checkSite(sites, args);
  await checkNotSwitched(host, args);
  const ranges = await host.accounts.subordinateRanges(args.name, args.uid);
  if (ranges.length > 0)
    refuse(`${args.name} has subordinate ids (${ranges[0] ?? ''}): remove them with usermod --del-subuids`);
  await planner.group({ name: args.name, gid: args.uid, members: [] });
  await planner.user(userOf(args));
  await planHome(planner, args);
  await planPhpFiles(planner, args, webGid);
}
