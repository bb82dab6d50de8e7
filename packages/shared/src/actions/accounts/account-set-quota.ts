import Type, { type Static } from 'typebox';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { loadAccount, normaliseName } from './known-account.ts';

const Args = Type.Object(
  {
    name: AccountName,
    hardMiB: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_485_760,
        title: 'Limit in MiB',
        description: 'No limit when left out',
      }),
    ),
    allowOverQuota: Type.Optional(
      Type.Boolean({ title: 'Allow less than is used', description: 'The account can write nothing more then' }),
    ),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

async function planQuota(planner: Planner, { name, hardMiB, allowOverQuota }: Args): Promise<void> {
  const { host } = planner;
  await loadAccount(host, name);
  const { kind, usedMiB, says } = await host.queries.ask('account.quota-facts', { name });
  if (kind === null) return refuse(says);
  if (hardMiB !== undefined && hardMiB < usedMiB && allowOverQuota !== true)
    return refuse(`${name} uses ${usedMiB} MiB already, more than ${hardMiB}: say so with allowOverQuota`);
  if (hardMiB !== undefined && hardMiB < usedMiB && kind === 'zfs')
    return refuse(`${name} uses ${usedMiB} MiB already, and ZFS takes no limit below that`);
  if (says !== '') planner.note(says);
  planner.note(`${name} uses ${usedMiB} MiB now.`);
  await planner.resource('account.quota', name, { hardMiB: hardMiB ?? null });
  return undefined;
}

export const accountSetQuota = defineAction({
  name: 'account.set-quota',
  version: 1,
  title: "Set an account's disk limit",
  docs: `Limits how much the home of an account may hold, by the quota group of its btrfs subvolume, or by refquota of its ZFS dataset (the one below which the homes are stands in /etc/hosting/zfs/homes; its quota is left alone). Refused on other file systems, for a home that is a plain folder, where quotas are off, and when the account uses more already, unless that is said explicitly; ZFS never takes less than is used. Undo sets the limit that was there.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['btrfs', 'setpriv', 'systemd-run', 'zfs'],
  normalise: normaliseName,
  locks: ({ name }) => [`account:${name}`],
  plan: (host, args) => planChanges(host, (planner) => planQuota(planner, args)),
  async verify(host, { name, hardMiB }) {
    const limit = (await host.resources.read('account.quota', name))?.hardMiB ?? null;
    return [{ name: 'The limit', ok: limit === (hardMiB ?? null), saw: limit === null ? 'none' : `${limit} MiB` }];
  },
});
