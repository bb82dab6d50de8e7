import Type from 'typebox';
import { countOf } from '../count-of.ts';
import { formatPrefix, isSingle, parsePrefix, type Prefix } from '../address.ts';
import { defineAction } from '../define-action.ts';
import type { Host } from '../host.ts';
import { BanTarget } from '../params.ts';
import type { BanAnswer, FoundBan } from './ban-answer.ts';
import { askSources, BAN_SOURCES, banSetOf, holds } from './ban-sources.ts';

async function ownBans(host: Host, address: Prefix): Promise<readonly FoundBan[]> {
  return (await host.firewall.bans()).flatMap(({ target, reason, since, expiresAt, packets }) => {
    const prefix = holds(target, address) ? parsePrefix(target) : null;
    return prefix === null
      ? []
      : [{ source: 'hauban' as const, target, where: banSetOf(prefix), reason, since, until: expiresAt, packets }];
  });
}

async function explain(host: Host, address: Prefix): Promise<BanAnswer> {
  const text = formatPrefix(address);
  const [own, never, asked, connections] = await Promise.all([
    ownBans(host, address),
    host.firewall.neverBan(),
    askSources(host, BAN_SOURCES, text),
    host.queries.ask('protection.connections', { address: text }),
  ]);
  const foreign = asked.bans.filter(({ target }) => holds(target, address));
  return {
    address: text,
    bans: [...own, ...foreign.map((ban) => ({ ...ban, packets: null }))],
    never: never.find(({ target }) => holds(target, address)) ?? null,
    sources: asked.sources,
    connections,
  };
}

const untilText = (until: number | null): string =>
  until === null ? 'until lifted' : `until ${new Date(until).toISOString().slice(0, 19)}Z`;

const connectionText = (count: number): string => `It has ${countOf(count, 'TCP connection')} open here.`;

function notesOf({ address, bans, never, sources, connections }: BanAnswer): readonly string[] {
  return [
    ...(bans.length === 0 ? [`${address} is not banned here.`] : []),
    ...bans.map(
      ({ source, target, where, reason, until }) =>
        `${address} is banned by ${source} (${where})${target === address ? '' : ` as part of ${target}`}, ${untilText(until)}: ${reason}`,
    ),
    ...(never === null ? [] : [`${address} is never banned by this node: ${never.target} is ${never.why}.`]),
    ...(connections === null || connections === 0 ? [] : [connectionText(connections)]),
    ...sources
      .filter(({ state }) => state === 'silent')
      .map(({ source, detail }) => `${source} could not be asked: ${detail}`),
  ];
}

export const firewallExplain = defineAction({
  name: 'firewall.explain',
  version: 1,
  title: 'Why is an address banned',
  docs: `Says of one address whether this node bans it, and where: in our own sets or as part of a banned prefix, in a jail of fail2ban, by a decision of CrowdSec; since when, until when, why, how many packets were dropped; whether it is never banned here; and how many TCP connections it has open now. fail2ban and CrowdSec are asked when they are installed. Changes nothing.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: true,
  args: Type.Object({ address: BanTarget }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 30_000,
  programs: ['nft', 'fail2ban-client', 'cscli'],
  normalise(args) {
    const prefix = parsePrefix(args.address);
    return prefix !== null && isSingle(prefix)
      ? { ok: true, args: { address: formatPrefix(prefix) } }
      : {
          ok: false,
          problem: `${args.address} is no address: write one like 192.0.2.7 or 2001:db8::7, without leading zeros`,
        };
  },
  locks: () => [],
  async plan(host, args) {
    const prefix = parsePrefix(args.address);
    if (prefix === null) return { ok: false, code: 'ACTION_ARGUMENTS', detail: `${args.address} is no address` };
    const answer = await explain(host, prefix);
    return { ok: true, changes: [], notes: notesOf(answer), data: answer };
  },
  verify: () => Promise.resolve([]),
});
