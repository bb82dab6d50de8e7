import Type, { type Static } from 'typebox';
import { rehearseSites, withReload } from '../apache-changes.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { PROBE_URL } from './probe-page.ts';
import { SiteArgs } from './site-args.ts';
import { checkApache, loadSite, siteFileOf, siteLinkOf, siteLocks, siteTargetOf } from './site-plan.ts';
import { attempt } from './verify-steps.ts';
import { loadWebAccount } from './web-account.ts';

const Args = Type.Object(SiteArgs, { additionalProperties: false });
type Args = Static<typeof Args>;

/** Files of sites that were removed, the last of each name. */
const KEPT = '/etc/hosting/removed';
const keptOf = ({ account, domain }: Args): string => `${KEPT}/${layout.siteFileName(account, domain)}`;

/** Somebody's site answers for names that no other has: that must not become a customer's. */
async function checkDefault(host: Host, args: Args): Promise<void> {
  const own = `/${layout.siteFileName(args.account, args.domain)}`;
  const rest = (await host.web.sites()).filter(({ port, file }) => port === 80 && !file.endsWith(own));
  const answers = rest.find(({ isDefault }) => isDefault) ?? rest[0];
  if (answers === undefined) refuse('no other site is left on port 80: enable 000-default first');
  else if (answers.file.startsWith(`${layout.SITES_ENABLED}/hosting-`))
    refuse(`${answers.serverName} of another account would answer for ${args.domain}: enable 000-default first`);
}

async function keepCopy(planner: Planner, args: Args, content: string): Promise<void> {
  const shared = { shared: true } as const;
  await planner.directory('/etc/hosting', { mode: 0o755, uid: 0, gid: 0 }, shared);
  await planner.directory(KEPT, { mode: 0o700, uid: 0, gid: 0 }, shared);
  const state = await planner.host.files.state(keptOf(args));
  if (state.type !== 'absent' && state.type !== 'file') return refuse(`${keptOf(args)} is there, and it is no file`);
  const before =
    state.type === 'absent' ? null : { mode: state.mode, uid: state.uid, gid: state.gid, content: state.content };
  const after = { mode: 0o600, uid: 0, gid: 0, content };
  if (before?.content !== content) planner.add({ kind: 'file', path: keptOf(args), before, after });
}

async function verifyGone(host: Host, args: Args): Promise<Verified> {
  const name = 'Another site answers for its name';
  return attempt(name, async () => {
    const reply = await host.web.probe({ host: args.domain, path: PROBE_URL, port: 80 });
    const isOurs = reply.ok && reply.status === 200 && reply.body.includes('"hauban"');
    return { name, ok: reply.ok && !isOurs, saw: reply.ok ? `status ${reply.status}` : reply.problem };
  });
}

export const siteRemove = defineAction({
  name: 'site.remove',
  version: 1,
  title: 'Remove a site',
  docs: `Takes a virtual host of an account away. What lies in its folder and its logs stay; a copy of its file is kept in /etc/hosting/removed. Afterwards the node's default site answers for its names: refused when that would be a site of another account. Refused when the file was changed by hand. Undo brings the site back.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'mkdir', 'rmdir', 'unshare'],
  locks: siteLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      await checkApache(host);
      const { domains } = await loadWebAccount(host, args.account);
      const [file, link] = [await host.files.state(siteFileOf(args)), await host.files.state(siteLinkOf(args))];
      if (file.type === 'absent' && link.type === 'absent')
        return planner.note(`${args.domain} is no site of ${args.account} on this node.`);
      const content = layout.siteConfig(args.account, args.domain, await loadSite(host, args));
      await checkDefault(host, args);
      if (domains.every((domain) => domain === args.domain))
        planner.note(`It is the only site of ${args.account}: its PHP version can not be switched without one.`);
      await keepCopy(planner, args, content);
      const words = { done: `${args.domain} is gone`, undone: `${args.domain} is back` };
      await withReload(planner, words, async () => {
        if (link.type !== 'absent') {
          if (link.type !== 'symlink' || link.target !== siteTargetOf(args))
            refuse(`${siteLinkOf(args)} is there and points elsewhere: it belongs to something else`);
          planner.add({ kind: 'symlink', path: siteLinkOf(args), before: siteTargetOf(args), after: null });
        }
        await planner.rewrite(siteFileOf(args), content, null);
      });
    }),
  rehearse: (host, _args, changes) => rehearseSites(host, changes, []),
  async verify(host, args) {
    const state = await host.files.state(siteFileOf(args));
    const file = siteLinkOf(args);
    return [
      { name: 'Its file is gone', ok: state.type === 'absent', saw: state.type },
      await attempt('Apache does not list it', async () => {
        const isListed = (await host.web.sites()).some((site) => site.file === file);
        return { name: 'Apache does not list it', ok: !isListed, saw: isListed ? 'it does' : 'it does not' };
      }),
      await verifyGone(host, args),
    ];
  },
});
