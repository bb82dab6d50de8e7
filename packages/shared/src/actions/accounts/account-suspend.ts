import Type, { type Static } from 'typebox';
import { rehearseSites, withReload } from '../apache-changes.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host, UserEntry } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import {
  enabledDomains,
  loadAccount,
  normaliseName,
  probesOf,
  replaceFile,
  runningVersions,
  verifyPages,
} from './known-account.ts';
import {
  EXPIRED_DAY,
  readSuspension,
  suspendedSite,
  SUSPENSION_REASONS,
  suspensionText,
  type Suspension,
} from './suspension.ts';

const Args = Type.Object(
  {
    name: AccountName,
    reason: Type.Union(
      SUSPENSION_REASONS.map((reason) => Type.Literal(reason)),
      { title: 'Why', description: 'Kept on the node; visitors do not see it' },
    ),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

/** Kept before anything changes: what a second run finds is not what was there at first. */
async function planNote(planner: Planner, { name, reason }: Args, running: readonly string[]): Promise<void> {
  const { host } = planner;
  if ((await readSuspension(host, name)) !== null) return;
  const entry = await host.resources.read('account.entry', name);
  const expiry = await host.resources.read('account.expiry', name);
  if (entry === null || expiry === null)
    return refuse(`user ${name} has no line in /etc/passwd: it comes from elsewhere`);
  if (expiry.day === EXPIRED_DAY)
    return refuse(`account ${name} has expired already, and not by this action: set its expiry first`);
  const note: Suspension = { version: 1, reason, expireDay: expiry.day, shell: entry.shell, php: running };
  for (const folder of ['/etc/hosting', layout.SUSPENDED_ROOT])
    await planner.directory(folder, { mode: 0o755, uid: 0, gid: 0 }, { shared: true });
  return planner.file(layout.suspensionOf(name), suspensionText(note), { mode: 0o600, uid: 0, gid: 0 });
}

async function planSite(planner: Planner, name: string, domain: string): Promise<void> {
  const file = layout.siteFileName(name, domain);
  const site = await planner.host.files.state(`${layout.SITES_AVAILABLE}/${file}`);
  const page = site.type === 'file' ? suspendedSite(site.content) : null;
  if (page === null) return refuse(`${layout.SITES_AVAILABLE}/${file} holds no virtual host: this site is not ours`);
  const beside = layout.suspendedFileName(name, domain);
  await replaceFile(planner, `${layout.SITES_AVAILABLE}/${beside}`, { mode: 0o644, uid: 0, gid: 0, content: page });
  await planner.symlink(
    `${layout.SITES_ENABLED}/${file}`,
    `../sites-available/${beside}`,
    `../sites-available/${file}`,
  );
}

async function planSuspend(planner: Planner, args: Args): Promise<void> {
  const { host } = planner;
  const { name } = args;
  const user = await loadAccount(host, name);
  const running = await runningVersions(host, user);
  await planNote(planner, args, running);
  await planner.resource('account.expiry', name, { day: EXPIRED_DAY });
  await planner.resource('account.shell', name, { shell: layout.NOLOGIN });
  const domains = await enabledDomains(host, name);
  if (domains.length > 0) {
    if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
    if (!(await host.web.modules()).includes('headers'))
      planner.note('Apache has no mod_headers, so the page is sent without Retry-After: a2enmod headers adds it.');
  }
  await withReload(planner, { done: `${name} is suspended`, undone: `${name} is not suspended` }, async () => {
    for (const domain of domains) await planSite(planner, name, domain);
  });
  for (const version of running) await planner.phpMaster(layout.phpMasterOf(name, user.uid, version), 'stopped');
  const alive = await host.queries.ask('account.processes', { uid: user.uid });
  if (planner.changes.length > 0 || alive.length > 0)
    planner.task('account.end-processes', { uid: user.uid }, `End every process of ${name}`);
}

async function verifyQuiet(host: Host, user: UserEntry): Promise<readonly Verified[]> {
  const php = await runningVersions(host, user);
  const alive = await host.queries.ask('account.processes', { uid: user.uid });
  const first = alive[0];
  return [
    { name: 'No PHP', ok: php.length === 0, saw: php.join(', ') || 'none' },
    {
      name: 'No process',
      ok: first === undefined,
      saw: first === undefined ? 'none' : `${alive.length}, such as ${first.pid} ${first.command}`,
    },
  ];
}

export const accountSuspend = defineAction({
  name: 'account.suspend',
  version: 1,
  title: 'Suspend a hosting account',
  docs: `Puts an account out of use without touching its files: the user expires (a locked password alone would not stop a login by key), its shell becomes nologin, each of its sites answers 503 with a page and Retry-After before anything of the customer is read, its PHP masters stop, and every process of the user is ended. Expiry stops cron and FTP with PAM as well. Databases and mailboxes have actions of their own.

What was there before is kept on the node, and account.unsuspend or undo brings exactly that back.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['apache2ctl', 'bwrap', 'chage', 'journalctl', 'systemctl', 'unshare', 'usermod'],
  normalise: normaliseName,
  locks: ({ name }) => [`account:${name}`, 'apache', 'passwd'],
  plan: (host, args) => planChanges(host, (planner) => planSuspend(planner, args)),
  rehearse: async (host, { name }, changes) => rehearseSites(host, changes, await probesOf(host, name)),
  async verify(host, { name }) {
    const user = await loadAccount(host, name);
    const expiry = await host.resources.read('account.expiry', name);
    return [
      { name: 'The user has expired', ok: expiry?.day === EXPIRED_DAY, saw: `day ${expiry?.day ?? 'none'}` },
      { name: 'No shell', ok: user.shell === layout.NOLOGIN, saw: user.shell },
      ...(await verifyPages(host, name, ({ status, headers }) => ({
        ok: status === 503,
        saw: `status ${status}, Retry-After ${headers['retry-after'] ?? 'not set'}`,
      }))),
      ...(await verifyQuiet(host, user)),
    ];
  },
});
