import Type, { type Static } from 'typebox';
import { countOf } from '../count-of.ts';
import { formatPrefix, isSingle, overlapsPrefix, parsePrefix, type Prefix } from '../address.ts';
import { defineAction } from '../define-action.ts';
import type { Host } from '../host.ts';
import { AccountName, BanReason, DurationS, parseBanTarget } from '../params.ts';
import { planChanges, type Planner } from '../planner.ts';
import { BlockedFile } from '../web/site-args.ts';
import { planBans } from './ban-plan.ts';
import type { Asker } from './protection-host.ts';
import { verifyBanned } from './verify-banned.ts';

const DAY_S = 86_400;
/** Banned at once; the same again takes the next. */
const MOST = 1000;
/** Named in one note. */
const MOST_NAMED = 10;

const Args = Type.Object(
  {
    file: BlockedFile,
    requests: Type.Optional(
      Type.Integer({ minimum: 5, maximum: 1_000_000, title: 'Requests', description: '20 when left out' }),
    ),
    withinS: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: DAY_S,
        title: 'Within',
        description: 'Seconds until now; 600 when left out',
      }),
    ),
    account: Type.Optional(AccountName),
    everyMethod: Type.Optional(
      Type.Boolean({ title: 'Every method', description: 'Count each request, not only POST, which tries passwords' }),
    ),
    durationS: Type.Optional(DurationS),
    reason: Type.Optional(BanReason),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

interface Sorted {
  readonly taken: readonly Asker[];
  readonly spared: readonly string[];
}

/** Whoever is never banned, lies in a private range (a proxy of one's own) or is banned already is left out. */
async function sortOut(host: Host, askers: readonly Asker[]): Promise<Sorted> {
  const prefixes = (targets: readonly { readonly target: string }[]): readonly Prefix[] =>
    targets.flatMap(({ target }) => parsePrefix(target) ?? []);
  const [never, own] = [prefixes(await host.firewall.neverBan()), prefixes(await host.firewall.bans())];
  const nets = own.filter((prefix) => !isSingle(prefix));
  const known = new Set(own.map(formatPrefix));
  const taken: Asker[] = [];
  const spared: string[] = [];
  for (const asker of askers) {
    const parsed = parseBanTarget(asker.target, false);
    if (!parsed.ok) spared.push(parsed.problem);
    else if (isPrivate(parsed.value))
      spared.push(
        `${asker.target} is a private address: a proxy or load balancer of your own is not banned from a log`,
      );
    else if (never.some((entry) => overlapsPrefix(entry, parsed.value)))
      spared.push(`${asker.target} is never banned here`);
    else if (!known.has(asker.target) && !nets.some((net) => overlapsPrefix(net, parsed.value))) taken.push(asker);
  }
  return { taken, spared };
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].flatMap(
  (text) => parsePrefix(text) ?? [],
);
const isPrivate = (prefix: Prefix): boolean => PRIVATE.some((range) => overlapsPrefix(range, prefix));

const named = ({ target, requests, sites }: Asker): string =>
  `${target}: ${countOf(requests, 'request')} to ${countOf(sites, 'site')}`;

async function planAttackers(planner: Planner, args: Args): Promise<Readonly<Record<string, unknown>>> {
  const { file, requests = 20, withinS = 600, account, everyMethod = false } = args;
  const answer = await planner.host.queries.ask('protection.askers', {
    file,
    since: planner.host.clock.nowMs() - withinS * 1000,
    everyMethod,
    ...(account === undefined ? {} : { account }),
  });
  const askers = answer.askers.filter((asker) => asker.requests >= requests);
  const { taken, spared } = await sortOut(planner.host, askers);
  const now = taken.slice(0, MOST);
  planner.note(
    `Read: ${countOf(answer.logs, 'access log')}; ${countOf(askers.length, 'address', 'addresses')} asked that often.`,
  );
  if (answer.isCut) planner.note('Some logs are too long to be read whole: only their ends were.');
  for (const asker of now.slice(0, MOST_NAMED)) planner.note(`${named(asker)}.`);
  if (now.length > MOST_NAMED) planner.note(`And ${now.length - MOST_NAMED} more.`);
  for (const says of spared.slice(0, MOST_NAMED)) planner.note(`Not banned: ${says}.`);
  if (taken.length > MOST) planner.note(`${taken.length - MOST} more are left for the next time.`);
  const wanted = {
    durationS: args.durationS ?? DAY_S,
    reason: args.reason ?? (file === 'xmlrpc.php' ? 'xmlrpc' : 'bruteforce'),
  };
  if (now.length > 0)
    await planBans(
      planner,
      now.map(({ target }) => target),
      wanted,
    );
  return { attackers: now.slice(0, 200) };
}

export const firewallBanAttackers = defineAction({
  name: 'firewall.ban-attackers',
  version: 1,
  title: 'Ban who attacks a file of the sites',
  docs: `Reads the ends of the sites' access logs and bans who has asked for a file, such as xmlrpc.php or wp-login.php, at least so often (20 times in the last 600 seconds, by POST, when nothing is said): for a day when left out, IPv6 by its /64. The plan names the addresses with their numbers.

The address is the one that Apache was connected by, which a request can not invent. Behind a proxy that is the proxy: private addresses are never banned by this, and a public one belongs into never_ban of the policy file. site.block-path closes the file itself. Undo lifts what was banned.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['nft'],
  locks: () => ['nft'],
  async plan(host, args) {
    let data: Readonly<Record<string, unknown>> = {};
    const planned = await planChanges(host, async (planner) => {
      data = await planAttackers(planner, args);
    });
    return planned.ok ? { ...planned, data } : planned;
  },
  verify: (host, _args, changes) => verifyBanned(host, changes),
});
