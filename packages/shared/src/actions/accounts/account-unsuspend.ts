import Type from 'typebox';
import { rehearseSites, withReload } from '../apache-changes.ts';
import { defineAction } from '../define-action.ts';
import type { UserEntry } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { enabledDomains, loadAccount, normaliseName, probesOf, replaceFile, verifyPages } from './known-account.ts';
import { EXPIRED_DAY, readSuspension } from './suspension.ts';

const Args = Type.Object({ name: AccountName }, { additionalProperties: false });

async function planPhp(planner: Planner, { name, uid }: UserEntry, versions: readonly string[]): Promise<void> {
  const domain = (await enabledDomains(planner.host, name))[0];
  for (const version of versions) {
    const master = layout.phpMasterOf(name, uid, version);
    if ((await planner.host.files.state(master.configFile)).type !== 'file') {
      planner.note(`PHP ${version} of ${name} ran before and has no configuration any more: it stays stopped.`);
      continue;
    }
    const before = planner.changes.length;
    await planner.phpMaster(master, 'running');
    if (planner.changes.length > before && domain !== undefined)
      planner.add({ kind: 'php-check', master, through: 'socket', site: { host: domain, path: '/', port: 80 } });
  }
}

async function planUnsuspend(planner: Planner, name: string): Promise<void> {
  const { host } = planner;
  const user = await loadAccount(host, name);
  const was = await readSuspension(host, name);
  if (was === null) {
    if ((await host.resources.read('account.expiry', name))?.day === EXPIRED_DAY)
      refuse(`account ${name} has expired, and not by account.suspend: set its expiry by hand`);
    return;
  }
  await planPhp(planner, user, was.php);
  await withReload(planner, { done: `${name} is back`, undone: `${name} is suspended again` }, async () => {
    for (const domain of await enabledDomains(host, name)) {
      const file = layout.siteFileName(name, domain);
      const beside = layout.suspendedFileName(name, domain);
      await planner.symlink(
        `${layout.SITES_ENABLED}/${file}`,
        `../sites-available/${file}`,
        `../sites-available/${beside}`,
      );
      await replaceFile(planner, `${layout.SITES_AVAILABLE}/${beside}`, null);
    }
  });
  await planner.resource('account.shell', name, { shell: was.shell });
  await planner.resource('account.expiry', name, { day: was.expireDay });
  await replaceFile(planner, layout.suspensionOf(name), null);
}

export const accountUnsuspend = defineAction({
  name: 'account.unsuspend',
  version: 1,
  title: 'Bring a suspended account back',
  docs: `Takes back what account.suspend did: the user's expiry and shell as they were, its sites instead of the page, and the PHP masters that ran. PHP is checked on its own socket before the sites come back. Undo suspends it again.`,
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
  plan: (host, args) => planChanges(host, (planner) => planUnsuspend(planner, args.name)),
  rehearse: async (host, { name }, changes) => rehearseSites(host, changes, await probesOf(host, name)),
  async verify(host, { name }) {
    const expiry = await host.resources.read('account.expiry', name);
    const note = await host.files.state(layout.suspensionOf(name));
    return [
      { name: 'The user has not expired', ok: expiry?.day !== EXPIRED_DAY, saw: `day ${expiry?.day ?? 'none'}` },
      { name: 'No note is left', ok: note.type === 'absent', saw: note.type },
      ...(await verifyPages(host, name, ({ status }) => ({ ok: status !== 503, saw: `status ${status}` }))),
    ];
  },
});
