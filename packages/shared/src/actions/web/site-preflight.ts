import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { scanNotes } from './scan-notes.ts';
import { SiteArgs } from './site-args.ts';
import { loadSite } from './site-plan.ts';
import { loadWebAccount } from './web-account.ts';
import type { SiteScan } from './web-host.ts';

export const sitePreflight = defineAction({
  name: 'site.preflight',
  version: 1,
  title: 'Look for what a change would break',
  docs: `Reads the .htaccess files of a site, those that belong to the account and nothing more, following no link, and says with file, line and remedy what behaves differently under PHP-FPM (php_value, php_flag), what this node ignores (Options, AddHandler) and what takes the site down (a section that is not closed). Bounded in files, bytes and time; what was not looked at is said. Contents of files are not shown. Changes nothing.`,
  risk: 'low',
  roles: ['web'],
  needsRoot: true,
  readOnly: true,
  args: Type.Object(SiteArgs, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: [],
  locks: () => [],
  async plan(host, args) {
    let data: SiteScan | null = null;
    const planned = await planChanges(host, async (planner) => {
      const { uid, domains } = await loadWebAccount(host, args.account);
      if (!domains.includes(args.domain)) refuse(`${args.account} has no site ${args.domain} on this node`);
      const { docroot } = await loadSite(host, args);
      data = await host.queries.ask('site.scan', { account: args.account, uid, docroot });
      for (const note of scanNotes(data)) planner.note(note);
    });
    return planned.ok ? { ...planned, data } : planned;
  },
  verify: () => Promise.resolve([]),
});
