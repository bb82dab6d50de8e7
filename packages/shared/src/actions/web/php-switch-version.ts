import Type, { type Static } from 'typebox';
import { defineAction } from '../define-action.ts';
import type { Host, HttpProbe, PhpMaster } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName, PhpVersion } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { loadLimits } from './pool-limits.ts';
import { scanNotes } from './scan-notes.ts';
import { loadSite, siteFileOf } from './site-plan.ts';
import { verifyMaster, verifyPage } from './verify-steps.ts';
import { loadWebAccount, type WebAccount } from './web-account.ts';

const Args = Type.Object({ account: AccountName, version: PhpVersion }, { additionalProperties: false });
type Args = Static<typeof Args>;

async function checkNode(host: Host, version: string): Promise<void> {
  const installed = await host.php.installedVersions();
  if (!installed.includes(version))
    refuse(`PHP ${version} is not installed on this node; installed: ${installed.join(', ') || 'none'}`);
  if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
}

function siteToWatch({ account, domains }: WebAccount): HttpProbe {
  const domain = domains[0] ?? refuse(`account ${account} has no enabled site to check PHP through`);
  return { host: domain, path: '/', port: 80 };
}

/** What the sites' own files hold that another PHP may take otherwise; it is said and does not stop anybody. */
async function noteFindings({ host, note }: Planner, { account, uid, domains }: WebAccount): Promise<void> {
  const docroots = new Set<string>();
  for (const domain of domains)
    if ((await host.files.state(siteFileOf({ account, domain }))).type === 'file')
      docroots.add((await loadSite(host, { account, domain })).docroot);
  for (const docroot of docroots) {
    const scan = await host.queries.ask('site.scan', { account, uid, docroot });
    if (scan.findings.length > 0) scanNotes(scan).forEach(note);
  }
}

/** Page to watch: one that works now. A site that fails already cannot tell whether the new version is at fault. */
async function pageToWatch(planner: Planner, site: HttpProbe): Promise<{ readonly page?: string }> {
  const reply = await planner.host.web.probe(site);
  if (reply.ok && reply.status < 500) return { page: site.path };
  planner.note(`The page of ${site.host} does not answer well now, so it is not watched during the switch.`);
  return {};
}

async function planSwitch(planner: Planner, { account, version }: Args): Promise<void> {
  const { host } = planner;
  await checkNode(host, version);
  const found = await loadWebAccount(host, account);
  const { uid, currentVersion, webGid } = found;
  const site = siteToWatch(found);
  const target = layout.phpMasterOf(account, uid, version);
  const old = layout.phpMasterOf(account, uid, currentVersion);
  const limits = await loadLimits(host, old, webGid);
  const poolFile = { mode: 0o644, uid: 0, gid: 0 };
  await planner.file(target.configFile, layout.poolConfig(target, webGid, limits), poolFile);
  if (currentVersion === version) return planner.phpMaster(target, 'running');
  await noteFindings(planner, found);
  await planner.phpMaster(target, 'running');
  planner.add({ kind: 'php-check', master: target, through: 'socket', site });
  const watched = await pageToWatch(planner, site);
  await planner.symlink(layout.socketLinkOf(account), target.socket, old.socket);
  // Before the old master goes: when this fails, the link goes back to a master that still runs.
  planner.add({ kind: 'php-check', master: target, through: 'apache', site, ...watched });
  const tmpfiles = (of: string): string => layout.tmpfilesConfig(account, of, webGid);
  await planner.rewrite(layout.tmpfilesOf(account), tmpfiles(currentVersion), tmpfiles(version));
  // Ends gracefully: requests in flight finish.
  await planner.phpMaster(old, 'stopped');
  return planner.rewrite(old.configFile, layout.poolConfig(old, webGid, limits), null);
}

async function verifyOthersStopped(host: Host, master: PhpMaster): Promise<{ name: string; ok: boolean; saw: string }> {
  const running: string[] = [];
  for (const version of await host.php.installedVersions()) {
    const other = layout.phpMasterOf(master.account, master.uid, version);
    if (version !== master.version && (await host.php.isRunning(other))) running.push(version);
  }
  return { name: 'No other version runs', ok: running.length === 0, saw: running.join(', ') || 'none' };
}

export const phpSwitchVersion = defineAction({
  name: 'php.switch-version',
  version: 1,
  title: "Switch an account's PHP version",
  docs: `Starts a PHP-FPM master of the new version beside the old one, checks on its own socket that it runs as the account and sees no other, then renames one link over another: from one request to the next the site has the new version, Apache is not reloaded and no request is lost. It is checked through Apache while the old master still runs; when the site's page begins to fail, the link goes back at once. At the end the old master stops after its last request, those included that still wait for a free process; what takes longer than 45 seconds after the switch is cut off.

Undo is the same way back.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['bwrap', 'journalctl', 'systemctl'],
  locks: ({ account }) => [`account:${account}`],
  plan: (host, args) => planChanges(host, (planner) => planSwitch(planner, args)),
  async verify(host, { account, version }) {
    const link = await host.files.state(layout.socketLinkOf(account));
    const target = link.type === 'symlink' ? link.target : link.type;
    const linked = {
      name: 'The link names the version',
      ok: target === layout.socketOf(account, version),
      saw: target,
    };
    const user = await host.accounts.userByName(account);
    const domain = layout.domainsOf(account, await host.files.list(layout.SITES_ENABLED))[0];
    if (user === null || domain === undefined)
      return [linked, { name: 'The account and its site', ok: false, saw: 'gone' }];
    const master = layout.phpMasterOf(account, user.uid, version);
    const site = { host: domain, path: '/', port: 80 };
    return [
      linked,
      ...(await verifyMaster(host, master, site)),
      await verifyPage(host, site),
      await verifyOthersStopped(host, master),
    ];
  },
});
