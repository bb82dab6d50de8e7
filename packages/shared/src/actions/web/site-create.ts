import { rehearseSites } from '../apache-changes.ts';
import { defineAction } from '../define-action.ts';
import { PLAIN_SITE, type SiteSettings } from '../hosting-layout.ts';
import { planChanges, refuse } from '../planner.ts';
import { sameValue } from '../resource-changes.ts';
import { normaliseNames, SiteWish } from './site-args.ts';
import {
  checkApache,
  checkNames,
  loadSite,
  planSite,
  siteFileOf,
  siteLocks,
  sitePlaces,
  verifySite,
} from './site-plan.ts';
import { loadWebAccount } from './web-account.ts';

const settingsOf = ({ aliases, docroot, https }: SiteWish): SiteSettings => ({
  ...PLAIN_SITE,
  ...(aliases === undefined ? {} : { aliases }),
  ...(docroot === undefined ? {} : { docroot }),
  ...(https === undefined ? {} : { https }),
});

export const siteCreate = defineAction({
  name: 'site.create',
  version: 1,
  title: 'Create a site',
  docs: `A further virtual host of an account: its own names, a folder below var/www, logs of its own, with or without https. The account's PHP answers it. The folder is made by the account itself, so that no link in its tree leads root astray. Refused are names that another site on the node has, and https without a certificate that covers all of them.

The site is tried in a rehearsal before anything is changed. Undo removes it; a folder that is not empty is kept.`,
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
      const settings = settingsOf(args);
      await checkNames(host, args, [args.domain, ...settings.aliases]);
      const isThere = (await host.files.state(siteFileOf(args))).type !== 'absent';
      const before = isThere ? await loadSite(host, args) : null;
      if (before !== null && !sameValue({ ...before, blocked: [] }, settings))
        refuse(`${args.domain} is there with other settings: use site.update`);
      return planSite(planner, account, args.domain, { before, after: before ?? settings });
    }),
  rehearse: (host, args, changes) => rehearseSites(host, changes, sitePlaces(args.domain, settingsOf(args))),
  verify: async (host, args) =>
    verifySite(host, await loadWebAccount(host, args.account), args.domain, settingsOf(args)),
});
