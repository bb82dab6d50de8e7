import { rehearseSites, withReload } from '../apache-changes.ts';
import { defineAction } from '../define-action.ts';
import { planChanges, type Planner } from '../planner.ts';
import {
  checkNewAccount,
  checkNode,
  loadWebGid,
  masterOf,
  NewAccount,
  noteDefaultSite,
  planAccount,
  planSharedFolders,
  planSiteFiles,
  planSocketLink,
  siteOf,
} from './new-account.ts';
import { verifyAccount, verifyDefault } from './verify-account.ts';

/** A check after each step that the next one stands on: here nothing is in a hurry. */
async function planAll(planner: Planner, args: NewAccount): Promise<void> {
  const { host } = planner;
  const master = masterOf(args);
  await checkNode(host, [args.phpVersion]);
  const sites = await host.web.sites();
  noteDefaultSite(planner, sites, [args]);
  const webGid = await loadWebGid(host);
  await planSharedFolders(planner);
  await planAccount(planner, args, { sites, webGid });
  const before = planner.changes.length;
  await planner.phpMaster(master, 'running');
  if (planner.changes.length > before)
    planner.add({ kind: 'php-check', master, through: 'socket', site: siteOf(args) });
  await planSocketLink(planner, args);
  const words = { done: `${args.domain} is new`, undone: `${args.domain} is gone` };
  if (await withReload(planner, words, () => planSiteFiles(planner, args)))
    planner.add({ kind: 'php-check', master, through: 'apache', site: siteOf(args) });
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
  args: NewAccount,
  filledIn: ['uid'],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'bwrap', 'groupadd', 'groupdel', 'journalctl', 'systemctl', 'unshare', 'useradd', 'userdel'],
  normalise(args) {
    const problem = checkNewAccount(args);
    return problem === null ? { ok: true, args } : { ok: false, problem };
  },
  locks: ({ name }) => [`account:${name}`, 'apache', 'passwd'],
  plan: (host, args) => planChanges(host, (planner) => planAll(planner, args)),
  rehearse: (host, args, changes) => rehearseSites(host, changes, [siteOf(args)]),
  verify: async (host, args) => [...(await verifyAccount(host, args)), await verifyDefault(host)],
});
