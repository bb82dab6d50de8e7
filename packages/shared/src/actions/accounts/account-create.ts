import Type, { type Static } from 'typebox';
import { rehearseSites, withReload } from '../apache-changes.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { FileMeta, Host, PhpMaster, UserEntry } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName, checkAccountName, checkDomain, Comment, Domain, PhpVersion, Uid } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { PROBE_PAGE, PROBE_URL } from '../web/probe-page.ts';
import { attempt, verifyMaster, verifyPage } from '../web/verify-steps.ts';

const Args = Type.Object(
  { name: AccountName, domain: Domain, phpVersion: PhpVersion, uid: Uid, comment: Type.Optional(Comment) },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

const ROOT_ONLY: FileMeta = { mode: 0o755, uid: 0, gid: 0 };
const rootFile = (mode: number): FileMeta => ({ mode, uid: 0, gid: 0 });

const userOf = ({ name, uid, comment }: Args): UserEntry => ({
  name,
  uid,
  gid: uid,
  comment: comment ?? '',
  home: layout.homeOf(name),
  shell: layout.NOLOGIN,
});
const masterOf = ({ name, uid, phpVersion }: Args): PhpMaster => layout.phpMasterOf(name, uid, phpVersion);
const siteOf = ({ domain }: Args) => ({ host: domain, path: '/', port: 80 });

async function checkNode(host: Host, args: Args): Promise<void> {
  if (!(await host.web.isInstalled())) refuse('Apache is not installed on this node: install the package apache2');
  if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
  const versions = await host.php.installedVersions();
  if (!versions.includes(args.phpVersion))
    refuse(`PHP ${args.phpVersion} is not installed on this node; installed: ${versions.join(', ') || 'none'}`);
  const modules = await host.web.modules();
  const absent = ['proxy', 'proxy_fcgi'].filter((module) => !modules.includes(module));
  if (absent.length > 0)
    refuse(`Apache's modules ${absent.join(', ')} are not enabled: run a2enmod ${absent.join(' ')}`);
}

/** A domain has one site; and unknown names must not fall to a customer. */
async function checkSites(planner: Planner, { name, domain }: Args): Promise<void> {
  const own = layout.siteFileName(name, domain);
  const sites = await planner.host.web.sites();
  const other = sites.find(
    (site) => (site.serverName === domain || site.aliases.includes(domain)) && !site.file.endsWith(`/${own}`),
  );
  if (other !== undefined) refuse(`${domain} is a site already: ${other.file} line ${other.line}`);
  if (!sites.some((site) => site.port === 80 && site.isDefault && !site.file.endsWith(`/${own}`)))
    planner.note('No other site is the default of port 80: requests for unknown names will be answered by this one.');
}

async function planHome(planner: Planner, { name, uid }: Args): Promise<void> {
  const home = layout.homeOf(name);
  const shared = { shared: true } as const;
  await planner.directory('/srv', ROOT_ONLY, shared);
  await planner.directory(layout.HOMES_ROOT, ROOT_ONLY, shared);
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

async function planPhp(planner: Planner, args: Args, webGid: number): Promise<void> {
  const { name, domain, phpVersion } = args;
  const shared = { shared: true } as const;
  const master = masterOf(args);
  for (const folder of ['/etc/hosting', layout.CONFIG_ROOT]) await planner.directory(folder, ROOT_ONLY, shared);
  await planner.directory(layout.configFolderOf(name), ROOT_ONLY);
  await planner.file(master.configFile, layout.poolConfig(master, webGid), rootFile(0o644));
  await planner.file(layout.probeFileOf(name), PROBE_PAGE, rootFile(0o644));
  await planner.directory(layout.LOG_ROOT, ROOT_ONLY, shared);
  await planner.directory(layout.logFolderOf(name), rootFile(0o750));
  for (const log of [
    layout.phpLogOf(name),
    `${layout.logFolderOf(name)}/${domain}.access.log`,
    `${layout.logFolderOf(name)}/${domain}.error.log`,
  ])
    await planner.file(log, '', rootFile(0o640), { grows: true });
  await planner.directory(layout.RUN_ROOT, ROOT_ONLY, shared);
  await planner.directory(layout.runFolderOf(name), { mode: 0o750, uid: 0, gid: webGid });
  await planner.directory('/etc/tmpfiles.d', ROOT_ONLY, shared);
  await planner.file(layout.tmpfilesOf(name), layout.tmpfilesConfig(name, phpVersion, webGid), rootFile(0o644));
  const before = planner.changes.length;
  await planner.phpMaster(master, 'running');
  if (planner.changes.length > before)
    planner.add({ kind: 'php-check', master, through: 'socket', site: siteOf(args) });
  await planner.symlink(layout.socketLinkOf(name), master.socket);
}

async function planSite(planner: Planner, args: Args): Promise<void> {
  const { name, domain } = args;
  const file = layout.siteFileName(name, domain);
  const before = planner.changes.length;
  await withReload(planner, { done: `${domain} is new`, undone: `${domain} is gone` }, async () => {
    await planner.file(`${layout.SITES_AVAILABLE}/${file}`, layout.siteConfig(name, domain), rootFile(0o644));
    await planner.symlink(`${layout.SITES_ENABLED}/${file}`, `../sites-available/${file}`);
  });
  if (planner.changes.length > before)
    planner.add({ kind: 'php-check', master: masterOf(args), through: 'apache', site: siteOf(args) });
}

async function checkNotSwitched(host: Host, { name, phpVersion }: Args): Promise<void> {
  const link = await host.files.state(layout.socketLinkOf(name));
  const current = link.type === 'symlink' ? layout.versionOfTarget(name, link.target) : null;
  if (current !== null && current !== phpVersion)
    refuse(`account ${name} exists and has PHP ${current}: use php.switch-version`);
}

async function planAll(planner: Planner, args: Args): Promise<void> {
  const { host } = planner;
  const reserved = checkAccountName(args.name);
  if (reserved !== null) refuse(reserved);
  await checkNode(host, args);
  await checkSites(planner, args);
  await checkNotSwitched(host, args);
  const webGroup = await host.accounts.groupByName(layout.WEB_GROUP);
  if (webGroup === null) return refuse(`group ${layout.WEB_GROUP} does not exist: is this Debian's Apache?`);
  const ranges = await host.accounts.subordinateRanges(args.name, args.uid);
  if (ranges.length > 0)
    refuse(`${args.name} has subordinate ids (${ranges[0] ?? ''}): remove them with usermod --del-subuids`);
  await planner.group({ name: args.name, gid: args.uid, members: [] });
  await planner.user(userOf(args));
  await planHome(planner, args);
  await planPhp(planner, args, webGroup.gid);
  return planSite(planner, args);
}

async function verifyUser(host: Host, args: Args): Promise<readonly Verified[]> {
  const { name, uid } = args;
  const [byName, byUid, groupByName, groupByGid] = [
    await host.accounts.userByName(name),
    await host.accounts.userByUid(uid),
    await host.accounts.groupByName(name),
    await host.accounts.groupByGid(uid),
  ];
  const ranges = await host.accounts.subordinateRanges(name, uid);
  return [
    { name: 'User by name', ok: byName?.uid === uid && byName.gid === uid, saw: `uid ${byName?.uid ?? 'none'}` },
    { name: 'User by uid', ok: byUid?.name === name, saw: byUid?.name ?? 'none' },
    {
      name: 'Group both ways',
      ok: groupByName?.gid === uid && groupByGid?.name === name,
      saw: groupByGid?.name ?? 'none',
    },
    { name: 'No subordinate ids', ok: ranges.length === 0, saw: ranges[0] ?? 'none' },
  ];
}

async function verifyTree(host: Host, { name, uid }: Args): Promise<readonly Verified[]> {
  const home = layout.homeOf(name);
  const can = (operation: 'write' | 'list', path: string) => host.accounts.canAs(uid, uid, operation, path);
  const checks: Verified[] = [];
  for (const folder of ['tmp', 'var/www']) {
    const ok = await can('write', `${home}/${folder}`);
    checks.push({ name: `May write ${folder}`, ok, saw: ok ? 'yes' : 'no' });
  }
  const writesHome = await can('write', home);
  checks.push({ name: 'May not write its home', ok: !writesHome, saw: writesHome ? 'it may' : 'it may not' });
  const neighbour = (await host.files.list(layout.HOMES_ROOT)).find(
    (other) => other !== name && !other.startsWith('.'),
  );
  if (neighbour === undefined) return checks;
  const lists = await can('list', `${layout.homeOf(neighbour)}/var/www`);
  checks.push({ name: `May not list ${neighbour}`, ok: !lists, saw: lists ? 'it may' : 'it may not' });
  return checks;
}

async function verifyDefaultSite(host: Host): Promise<Verified> {
  const reply = await host.web.probe({ host: 'unknown.invalid', path: PROBE_URL, port: 80 });
  const isOurs = reply.ok && reply.status === 200 && reply.body.includes('"hauban"');
  return { name: 'Unknown names go elsewhere', ok: !isOurs, saw: reply.ok ? `status ${reply.status}` : reply.problem };
}

export const accountCreate = defineAction({
  name: 'account.create',
  version: 1,
  title: 'Create a hosting account',
  docs: `Makes a hosting account with a site: a user and group of its own (the same number on every node, no login, no subordinate ids), a home tree whose system folders belong to root, a PHP-FPM master of its own that sees no other account, a virtual host on port 80 and a first page.

Needs Apache with proxy_fcgi and the PHP version on the node. The new site is tried in a rehearsal before anything is changed. Undo removes all of it, unless files were added meanwhile.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: ['uid'],
  timeoutMs: 120_000,
  programs: ['groupadd', 'useradd', 'groupdel', 'userdel', 'apache2ctl', 'systemctl'],
  normalise(args) {
    const problem = checkAccountName(args.name) ?? checkDomain(args.domain);
    return problem === null ? { ok: true, args } : { ok: false, problem };
  },
  locks: ({ name }) => [`account:${name}`, 'apache', 'passwd'],
  plan: (host, args) => planChanges(host, (planner) => planAll(planner, args)),
  rehearse: (host, args, changes) => rehearseSites(host, changes, [siteOf(args)]),
  async verify(host, args) {
    return [
      ...(await verifyUser(host, args)),
      ...(await verifyTree(host, args)),
      ...(await verifyMaster(host, masterOf(args), siteOf(args))),
      await verifyPage(host, siteOf(args)),
      await attempt('Unknown names go elsewhere', () => verifyDefaultSite(host)),
    ];
  },
});
