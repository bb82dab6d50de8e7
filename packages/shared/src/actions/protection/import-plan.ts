import { formatPrefix, isSingle, overlapsPrefix, parsePrefix, type Prefix } from '../address.ts';
import { parseBanTarget } from '../params.ts';
import { refuse, type Planner } from '../planner.ts';
import { planBans } from './ban-plan.ts';
import { askSources, type SourcedBan } from './ban-sources.ts';
import type { BanSource } from './protection-host.ts';

/** Taken over at once; the same again takes the next. */
const MOST = 1000;
/** Named in one note. */
const MOST_NAMED = 5;

export interface ImportWish {
  /** Empty: all that are there. */
  readonly from: readonly BanSource[];
  readonly durationS: number;
}

const listed = (texts: readonly string[]): string =>
  `${texts.slice(0, MOST_NAMED).join(', ')}${texts.length > MOST_NAMED ? ` and ${texts.length - MOST_NAMED} more` : ''}`;

/** Prefixes as numbers, those that nobody can read left out. */
const prefixesOf = (targets: readonly { readonly target: string }[]): readonly Prefix[] =>
  targets.flatMap(({ target }) => parsePrefix(target) ?? []);

interface Sorted {
  readonly taken: readonly SourcedBan[];
  readonly never: readonly string[];
  readonly unfit: readonly string[];
  readonly overlapping: readonly string[];
}

/** Whoever writes lines into a log decides what fail2ban bans, so each is judged as if a stranger had asked for it. */
function sortOut(bans: readonly SourcedBan[], never: readonly Prefix[], own: readonly Prefix[]): Sorted {
  const taken = new Map<string, SourcedBan>();
  const rest = { never: new Set<string>(), unfit: new Set<string>(), overlapping: new Set<string>() };
  const nets = own.filter((prefix) => !isSingle(prefix));
  for (const ban of bans) {
    const parsed = parseBanTarget(ban.target, false);
    if (!parsed.ok) rest.unfit.add(ban.target);
    else if (never.some((entry) => overlapsPrefix(entry, parsed.value))) rest.never.add(ban.target);
    else if (isSingle(parsed.value)) taken.set(ban.target, longer(taken.get(ban.target), ban));
    else if (nets.some((net) => overlapsPrefix(net, parsed.value) && formatPrefix(net) !== ban.target))
      rest.overlapping.add(ban.target);
    else {
      nets.push(parsed.value);
      taken.set(ban.target, longer(taken.get(ban.target), ban));
    }
  }
  return {
    taken: [...taken.values()],
    never: [...rest.never],
    unfit: [...rest.unfit],
    overlapping: [...rest.overlapping],
  };
}

/** Two who ban the same: one that has no end wins. */
const longer = (known: SourcedBan | undefined, ban: SourcedBan): SourcedBan =>
  known !== undefined && known.until === null ? known : ban;

export async function planImport(planner: Planner, { from, durationS }: ImportWish): Promise<void> {
  const { sources, bans } = await askSources(planner.host, from.length === 0 ? ['fail2ban', 'crowdsec'] : from);
  const silent = sources.find(({ state }) => state === 'silent');
  if (silent !== undefined) refuse(`${silent.source} could not be asked: ${silent.detail}`);
  const absent = sources.filter(({ state }) => state === 'absent').map(({ source }) => source);
  if (absent.length === sources.length)
    refuse(`${absent.join(' and ')} ${absent.length > 1 ? 'are' : 'is'} not installed here`);
  const never = prefixesOf(await planner.host.firewall.neverBan());
  const own = await planner.host.firewall.bans();
  const sorted = sortOut(bans, never, prefixesOf(own));
  if (sorted.never.length > 0)
    planner.note(`Not taken over, because they are never banned here: ${listed(sorted.never)}.`);
  if (sorted.unfit.length > 0)
    planner.note(`Not taken over, because they are too wide or special: ${listed(sorted.unfit)}.`);
  if (sorted.overlapping.length > 0)
    planner.note(`Not taken over, because they overlap another banned prefix: ${listed(sorted.overlapping)}.`);
  const known = new Set(own.map(({ target }) => target));
  const fresh = sorted.taken.filter(({ target }) => !known.has(target));
  if (fresh.length > MOST) planner.note(`${fresh.length - MOST} more are left for the next time.`);
  const now = fresh.slice(0, MOST);
  const targets = (isForEver: boolean): string[] =>
    now.filter(({ until }) => (until === null) === isForEver).map(({ target }) => target);
  const [timed, forEver] = [targets(false), targets(true)];
  // The reason is ours: a foreign text would be kept for as long as the ban.
  if (timed.length > 0) await planBans(planner, timed, { durationS, reason: 'imported' });
  if (forEver.length > 0) await planBans(planner, forEver, { durationS: null, reason: 'imported' });
}
