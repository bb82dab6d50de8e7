import Type from 'typebox';
import { rehearseSites } from '../apache-changes.ts';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { BlockedFile, SiteArgs } from './site-args.ts';
import { checkApache, loadSite, planSite, siteLocks, sitePlaces } from './site-plan.ts';
import { verifyBlocked } from './verify-blocked.ts';
import { loadWebAccount } from './web-account.ts';

export const siteUnblockPath = defineAction({
  name: 'site.unblock-path',
  version: 1,
  title: 'Unblock a file of a site',
  docs: `Lifts a block that site.block-path made: everybody may ask for the file again. A file that is not blocked is left as it is. Undo blocks it again, with the exceptions that it had.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({ ...SiteArgs, path: BlockedFile }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'unshare'],
  locks: siteLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      await checkApache(host);
      const account = await loadWebAccount(host, args.account);
      const before = await loadSite(host, args);
      const after = { ...before, blocked: before.blocked.filter(({ path }) => path !== args.path) };
      return planSite(planner, account, args.domain, { before, after });
    }),
  async rehearse(host, args, changes) {
    return rehearseSites(host, changes, sitePlaces(args.domain, await loadSite(host, args)));
  },
  verify: (host, args) => verifyBlocked(host, args, false),
});
