import Type, { type Static } from 'typebox';
import { rehearseSites } from '../apache-changes.ts';
import { defineAction } from '../define-action.ts';
import type { SiteSettings } from '../hosting-layout.ts';
import { planChanges } from '../planner.ts';
import { AllowList, BlockedFile, normaliseAllow, SiteArgs } from './site-args.ts';
import { checkApache, loadSite, planSite, siteLocks, sitePlaces } from './site-plan.ts';
import { verifyBlocked } from './verify-blocked.ts';
import { loadWebAccount } from './web-account.ts';

const Args = Type.Object(
  { ...SiteArgs, path: BlockedFile, allow: Type.Optional(AllowList) },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

const blocked = (before: SiteSettings, { path, allow = [] }: Args): SiteSettings => ({
  ...before,
  blocked: [...before.blocked.filter((one) => one.path !== path), { path, allow }].toSorted((a, b) =>
    a.path < b.path ? -1 : 1,
  ),
});

export const siteBlockPath = defineAction({
  name: 'site.block-path',
  version: 1,
  title: 'Block a file of a site',
  docs: `Answers 403 for a file of a site, such as xmlrpc.php under attack: by its name wherever it is, or at one place. Addresses and prefixes may be let through. It is decided by address before any .htaccess, so the site's own files can not lift it. Named again with other exceptions, these count. Undo lifts it.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'unshare'],
  normalise: normaliseAllow,
  locks: siteLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      await checkApache(host);
      const account = await loadWebAccount(host, args.account);
      const before = await loadSite(host, args);
      return planSite(planner, account, args.domain, { before, after: blocked(before, args) });
    }),
  async rehearse(host, args, changes) {
    return rehearseSites(host, changes, sitePlaces(args.domain, await loadSite(host, args)));
  },
  verify: (host, args) => verifyBlocked(host, args, true),
});
