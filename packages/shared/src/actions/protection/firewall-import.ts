import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { DurationS } from '../params.ts';
import { planChanges } from '../planner.ts';
import { BanSourceArg } from './ban-sources.ts';
import { planImport } from './import-plan.ts';
import { verifyBanned } from './verify-banned.ts';

const DAY_S = 86_400;

export const firewallImport = defineAction({
  name: 'firewall.import',
  version: 1,
  title: 'Take over the bans of fail2ban and CrowdSec',
  docs: `Bans in our own table what fail2ban's jails and CrowdSec's own decisions ban on this node now (no subscribed list), for the time given, a day when left out; what they ban for ever is banned until lifted. At most 1,000 at a time. Their own bans stay as they are.

Not taken over: what is banned by us already, what is never banned here (whoever can write a line into a log can have anybody banned), prefixes that are too wide or overlap another one. Undo lifts what was taken over.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Type.Object(
    {
      from: Type.Optional(
        Type.Array(BanSourceArg, {
          minItems: 1,
          maxItems: 2,
          uniqueItems: true,
          title: 'From',
          description: 'All that are installed when left out',
        }),
      ),
      durationS: Type.Optional(DurationS),
    },
    { additionalProperties: false },
  ),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['nft', 'fail2ban-client', 'cscli'],
  locks: () => ['nft'],
  plan: (host, args) =>
    planChanges(host, (planner) => planImport(planner, { from: args.from ?? [], durationS: args.durationS ?? DAY_S })),
  verify: (host, _args, changes) => verifyBanned(host, changes),
});
