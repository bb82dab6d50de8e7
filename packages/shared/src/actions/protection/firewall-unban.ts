import Type from 'typebox';
import { planUnbans } from './ban-plan.ts';
import { defineAction } from '../define-action.ts';
import { BanTarget, parseBanTargets } from '../params.ts';
import { planChanges } from '../planner.ts';

export const firewallUnban = defineAction({
  name: 'firewall.unban',
  version: 1,
  title: 'Lift bans',
  docs: `Lifts the bans of these addresses and prefixes, as they were given to firewall.ban. An address that lies in a banned prefix is refused with the name of that prefix. Undo bans them again for the rest of their time.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Type.Object(
    { targets: Type.Array(BanTarget, { minItems: 1, maxItems: 1000, title: 'Addresses and prefixes' }) },
    { additionalProperties: false },
  ),
  filledIn: [],
  timeoutMs: 30_000,
  programs: ['nft'],
  normalise(args) {
    // Whatever could be banned can be lifted.
    const targets = parseBanTargets(args.targets, true);
    return targets.ok
      ? { ok: true, args: { ...args, targets: [...targets.value] } }
      : { ok: false, problem: targets.problem };
  },
  locks: () => ['nft'],
  plan: (host, args) => planChanges(host, (planner) => planUnbans(planner, args.targets)),
  async verify(host, args) {
    const banned = new Set((await host.firewall.bans()).map((ban) => ban.target));
    const left = args.targets.filter((target) => banned.has(target));
    return [{ name: 'Not in the kernel', ok: left.length === 0, saw: left[0] ?? `${banned.size} bans left` }];
  },
});
