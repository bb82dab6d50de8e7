import Type from 'typebox';
import type { BanAfter } from '../change.ts';
import { planBans } from './ban-plan.ts';
import { containsPrefix, formatPrefix, parsePrefix } from '../address.ts';
import { defineAction } from '../define-action.ts';
import { BanReason, BanTarget, DurationS, parseBanTargets } from '../params.ts';
import { planChanges } from '../planner.ts';
import { countOf } from '../count-of.ts';

const Args = Type.Object(
  {
    targets: Type.Array(BanTarget, { minItems: 1, maxItems: 1000, title: 'Addresses and prefixes' }),
    durationS: Type.Optional(DurationS),
    permanent: Type.Optional(Type.Boolean({ title: 'Until lifted', description: 'Instead of a duration' })),
    reason: Type.Optional(BanReason),
    allowWide: Type.Optional(
      Type.Boolean({
        title: 'Allow wide prefixes',
        description: 'Down to IPv4 /8 and IPv6 /19 instead of /16 and /32',
      }),
    ),
  },
  { additionalProperties: false },
);
type Args = Type.Static<typeof Args>;

const wantedOf = ({ durationS, permanent, reason }: Args): BanAfter => ({
  durationS: permanent === true ? null : (durationS ?? 0),
  reason: reason ?? 'manual',
});

export const firewallBan = defineAction({
  name: 'firewall.ban',
  version: 1,
  title: 'Ban addresses',
  docs: `Drops every packet from these addresses and prefixes, established connections included, for a time or until lifted; the bans survive a reboot. They lie in a table of our own (inet hauban); no other rule is read or touched.

Never banned: what the node's policy file says, loopback, the node's own addresses, its name servers, its controller, and who is connected by SSH now. An address that is banned already is not touched; a prefix replaces smaller ones in it. Undo restores what was banned before.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 30_000,
  programs: ['nft'],
  normalise(args) {
    if ((args.durationS === undefined) === (args.permanent !== true))
      return { ok: false, problem: 'Give either a duration (durationS, in seconds) or permanent: true.' };
    const targets = parseBanTargets(args.targets, args.allowWide === true);
    return targets.ok
      ? { ok: true, args: { ...args, targets: [...targets.value] } }
      : { ok: false, problem: targets.problem };
  },
  locks: () => ['nft'],
  plan: (host, args) => planChanges(host, (planner) => planBans(planner, args.targets, wantedOf(args))),
  async verify(host, args, changes) {
    const bans = (await host.firewall.bans()).flatMap(({ target }) => parsePrefix(target) ?? []);
    const missing = args.targets.filter((target) => {
      const wanted = parsePrefix(target);
      return wanted === null || !bans.some((ban) => containsPrefix(ban, wanted));
    });
    const replaced = changes
      .flatMap((change) => (change.kind === 'bans' ? change.entries : []))
      .filter((entry) => entry.after === null && bans.some((ban) => formatPrefix(ban) === entry.target));
    return [
      { name: 'In the kernel', ok: missing.length === 0, saw: missing[0] ?? `${countOf(bans.length, 'ban')} in all` },
      { name: 'Replaced bans are gone', ok: replaced.length === 0, saw: replaced[0]?.target ?? 'none' },
    ];
  },
});
