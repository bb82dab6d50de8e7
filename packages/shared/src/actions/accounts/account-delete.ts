import Type from 'typebox';
import { rehearseSites, withReload } from '../apache-changes.ts';
import type { Change } from '../change.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host, UserEntry } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import {
  findAccount,
  normaliseName,
  probesOf,
  removeFolder,
  removeLink,
  replaceFile,
  runningVersions,
} from './known-account.ts';
import { EXPIRED_DAY } from './suspension.ts';

const Args = Type.Object({ name: AccountName }, { additionalProperties: false });

/** Every file of the account among Apache's, enabled or not, suspended or not. */
async function planSites(planner: Planner, name: string): Promise<readonly string[]> {
  const { files } = planner.host;
  const own = (names: readonly string[]): readonly string[] =>
    names.filter((file) => file.startsWith(`hosting-${name}--`));
  const available = own(await files.list(layout.SITES_AVAILABLE));
  await withReload(
    planner,
    { done: `the sites of ${name} are gone`, undone: `the sites of ${name} are back` },
    async () => {
      for (const file of own(await files.list(layout.SITES_ENABLED)))
        await removeLink(planner, `${layout.SITES_ENABLED}/${file}`);
      for (const file of available) await replaceFile(planner, `${layout.SITES_AVAILABLE}/${file}`, null);
    },
  );
  return layout.domainsOf(name, available);
}

async function planPhp(planner: Planner, user: UserEntry): Promise<void> {
  const { name, uid } = user;
  for (const version of await runningVersions(planner.host, user))
    await planner.phpMaster(layout.phpMasterOf(name, uid, version), 'stopped');
  await removeFolder(planner, layout.configFolderOf(name));
  await replaceFile(planner, layout.tmpfilesOf(name), null);
  await removeLink(planner, layout.socketLinkOf(name));
  // The masters take their sockets with them.
  await removeFolder(planner, layout.runFolderOf(name), /\.sock$/);
}

/** The first number that no kept home of that name has. */
async function nextNumber(host: Host, name: string): Promise<number> {
  const kept = new Set(await host.files.list(layout.TRASH_ROOT));
  for (let number = 1; ; number += 1)
    if (!kept.has(`${name}.${number}`) && !kept.has(`${name}.${number}.json`)) return number;
}

async function planKept(planner: Planner, user: UserEntry, domains: readonly string[], php: string | null) {
  const { name, uid, gid, comment } = user;
  const number = await nextNumber(planner.host, name);
  await planner.directory(layout.TRASH_ROOT, { mode: 0o700, uid: 0, gid: 0 }, { shared: true });
  const record = { version: 1, name, uid, gid, comment, php, domains };
  await planner.file(`${layout.TRASH_ROOT}/${name}.${number}.json`, `${JSON.stringify(record, null, 2)}\n`, {
    mode: 0o600,
    uid: 0,
    gid: 0,
  });
  const home = `${name}/${number}`;
  const now = await planner.host.resources.read('account.home', home);
  if (now === null) return planner.note(`${layout.homeOf(name)} is not there: nothing of it is kept.`);
  const dataset = await planner.host.queries.ask('account.dataset', { home });
  if (dataset !== null) {
    planner.note(`The home is ${dataset}: it keeps that name until somebody renames or destroys it.`);
    planner.task('account.home-settle', { home }, `Bring ${dataset} back where its move broke off`, 'undo');
  }
  await planner.resource('account.home', home, { place: 'kept' });
  return undefined;
}

async function planDelete(planner: Planner, name: string): Promise<void> {
  const { host } = planner;
  const user = await findAccount(host, name);
  if (user === null) return;
  if ((await host.resources.read('account.entry', name)) === null)
    return refuse(`user ${name} has no line in /etc/passwd: it comes from elsewhere`);
  const group = await host.accounts.groupByName(name);
  const link = await host.files.state(layout.socketLinkOf(name));
  const php = link.type === 'symlink' ? layout.versionOfTarget(name, link.target) : null;
  // First of all nobody logs in any more.
  await planner.resource('account.expiry', name, { day: EXPIRED_DAY }, { partOf: 'account.entry' });
  const domains = await planSites(planner, name);
  await planPhp(planner, user);
  await replaceFile(planner, layout.sshKeysOf(name), null);
  await replaceFile(planner, layout.suspensionOf(name), null);
  planner.task('account.end-processes', { uid: user.uid }, `End every process of ${name}`);
  await planner.resource('account.entry', name, null);
  if (group !== null && group.gid === user.gid) planner.add({ kind: 'group', before: group, after: null });
  return planKept(planner, user, domains, php);
}

/** A service of the system may have started one under the number alone. */
async function verifyQuiet(host: Host, changes: readonly Change[]): Promise<readonly Verified[]> {
  const uid = changes.flatMap((change) =>
    change.kind === 'task' && change.task === 'account.end-processes' && 'uid' in change.args ? [change.args.uid] : [],
  )[0];
  if (uid === undefined) return [];
  const alive = (await host.queries.ask('account.processes', { uid }))[0];
  const saw = alive === undefined ? 'none' : `${alive.pid} ${alive.command}`;
  return [{ name: 'No process', ok: alive === undefined, saw }];
}

async function verifyGone(host: Host, name: string): Promise<readonly Verified[]> {
  const user = await host.accounts.userByName(name);
  const group = await host.accounts.groupByName(name);
  const home = await host.files.state(layout.homeOf(name));
  const sites = (await host.files.list(layout.SITES_ENABLED)).filter((file) => file.startsWith(`hosting-${name}--`));
  return [
    { name: 'No user', ok: user === null, saw: user === null ? 'none' : `uid ${user.uid}` },
    { name: 'No group', ok: group === null, saw: group === null ? 'none' : `gid ${group.gid}` },
    { name: 'No home', ok: home.type === 'absent', saw: home.type },
    { name: 'No site', ok: sites.length === 0, saw: sites.join(', ') || 'none' },
  ];
}

export const accountDelete = defineAction({
  name: 'account.delete',
  version: 1,
  title: 'Delete a hosting account',
  docs: `Takes an account off the node: its sites, its PHP, its keys, its user and group. The home is not removed but renamed, at once, into ${layout.TRASH_ROOT} (root's alone) with a note of its number, domains and PHP version beside it (a home that is a dataset of ZFS is mounted there); its logs stay below ${layout.LOG_ROOT}. Every process of the user is ended first; while one comes back again and again (a service of the system that starts it), the user stays and all of it is undone. Never userdel -r or -f.

Undo brings everything back from there. What is kept takes room until somebody removes it by hand. Do not give its number to another account while backups with its files exist. Databases and mailboxes have actions of their own.`,
  risk: 'high',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 180_000,
  programs: [
    'apache2ctl',
    'bwrap',
    'chage',
    'chpasswd',
    'groupadd',
    'groupdel',
    'journalctl',
    'setpriv',
    'systemctl',
    'systemd-run',
    'unshare',
    'useradd',
    'userdel',
    'zfs',
  ],
  normalise: normaliseName,
  locks: ({ name }) => [`account:${name}`, 'apache', 'passwd'],
  plan: (host, args) => planChanges(host, (planner) => planDelete(planner, args.name)),
  rehearse: async (host, { name }, changes) => rehearseSites(host, changes, await probesOf(host, name), 'gone'),
  verify: async (host, { name }, changes) => [...(await verifyGone(host, name)), ...(await verifyQuiet(host, changes))],
});
