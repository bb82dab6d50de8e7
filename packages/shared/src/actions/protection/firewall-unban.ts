import Type from 'typebox';
import { planUnbans } from './ban-plan.ts';
import { askAbout, BAN_SOURCES, BanSourceArg } from './ban-sources.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { planForeignUnbans } from './foreign-unbans.ts';
import { BanTarget, parseBanTargets } from '../params.ts';
import { planChanges } from '../planner.ts';
import type { BanSource } from './protection-host.ts';
import { countOf } from '../count-of.ts';

/** Looks at those that can be asked: the plan has told of the others. */
async function verifyForeign(
  host: Host,
  targets: readonly string[],
  names: readonly BanSource[],
): Promise<readonly Verified[]> {
  const { sources, bans } = await askAbout(host, names, targets);
  return sources
    .filter(({ state }) => state === 'asked')
    .map(({ source }) => {
      const left = bans.find((ban) => ban.source === source && targets.includes(ban.target));
      return { name: `Not in ${source}`, ok: left === undefined, saw: left?.target ?? 'none of them' };
    });
}

export const firewallUnban = defineAction({
  name: 'firewall.unban',
  version: 1,
  title: 'Lift bans',
  docs: `Lifts the bans of these addresses and prefixes, as they were given to firewall.ban, and those of fail2ban and CrowdSec on exactly the same ones, where these are installed. An address that lies in a prefix that we ban is refused with the name of that prefix; a prefix that others ban is named and stays.

fail2ban counts from zero again: whoever mistypes a password once more is not banned by that, but by as many failures as the jail allows. Nothing keeps others from banning an address again that goes on.

Undo bans them again: ours for the rest of their time, those of fail2ban for as long as their jail bans, those of CrowdSec for four hours.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Type.Object(
    {
      targets: Type.Array(BanTarget, { minItems: 1, maxItems: 1000, title: 'Addresses and prefixes' }),
      alsoIn: Type.Optional(
        Type.Array(BanSourceArg, {
          maxItems: 2,
          uniqueItems: true,
          title: 'Also in',
          description:
            'Refused when one of them does not answer. Left out: all that are installed; an empty list: none',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['nft', 'fail2ban-client', 'cscli'],
  normalise(args) {
    // Whatever could be banned can be lifted.
    const targets = parseBanTargets(args.targets, true);
    return targets.ok
      ? { ok: true, args: { ...args, targets: [...targets.value] } }
      : { ok: false, problem: targets.problem };
  },
  locks: () => ['crowdsec', 'fail2ban', 'nft'],
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      await planUnbans(planner, args.targets);
      await planForeignUnbans(planner, args.targets, args.alsoIn);
    }),
  async verify(host, args) {
    const banned = new Set((await host.firewall.bans()).map((ban) => ban.target));
    const left = args.targets.filter((target) => banned.has(target));
    return [
      { name: 'Not in the kernel', ok: left.length === 0, saw: left[0] ?? `${countOf(banned.size, 'ban')} left` },
      ...(await verifyForeign(host, args.targets, args.alsoIn ?? BAN_SOURCES)),
    ];
  },
});
