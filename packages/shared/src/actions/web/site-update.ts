import { rehearseSites } from '../apache-changes.ts';
import { defineAction } from '../define-action.ts';
import type { SiteSettings } from '../hosting-layout.ts';
import { planChanges } from '../planner.ts';
import { normaliseNames, SiteWish } from './site-args.ts';
import { checkApache, checkNames, loadSite, planSite, siteLocks, sitePlaces, verifySite } from './site-plan.ts';
import { loadWebAccount } from './web-account.ts';

/** What is not named stays as it is. */
const changed = (before: SiteSettings, { aliases, docroot, https }: SiteWish): SiteSettings => ({
  ...before,
  aliases: aliases ?? before.aliases,
  docroot: docroot ?? before.docroot,
  https: https ?? before.https,
});

export const siteUpdate = defineAction({
  name: 'site.update',
  version: 1,
  title: 'Change a site',
  docs: `Changes the further names, the folder or the https of a site that is there; what is not named stays as it is. The same checks and the same rehearsal as for a new site. Refused when the site's file was changed by hand. Undo brings back the file that was there.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: SiteWish,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'mkdir', 'rmdir', 'unshare'],
  normalise: normaliseNames,
  locks: siteLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      await checkApache(host);
      const account = await loadWebAccount(host, args.account);
      const before = await loadSite(host, args);
      const after = changed(before, args);
      await checkNames(host, args, [args.domain, ...after.aliases]);
      return planSite(planner, account, args.domain, { before, after });
    }),
  async rehearse(host, args, changes) {
    const after = changed(await loadSite(host, args), args);
    return rehearseSites(host, changes, sitePlaces(args.domain, after));
  },
  async verify(host, args) {
    const now = await loadSite(host, args);
    const isChanged = JSON.stringify(changed(now, args)) === JSON.stringify(now);
    return [
      { name: 'Its file says so', ok: isChanged, saw: isChanged ? 'yes' : 'it has other settings' },
      ...(await verifySite(host, await loadWebAccount(host, args.account), args.domain, now)),
    ];
  },
});
