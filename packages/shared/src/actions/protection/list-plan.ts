import { formatPrefix, isSingle, overlapsPrefix, parsePrefix, type Prefix } from '../address.ts';
import type { BanAfter, BanChange } from '../change.ts';
import type { BanState, Host } from '../host.ts';
import { listReason, partOf } from './ban-list-parts.ts';
import { createPrefixIndex } from './prefix-index.ts';

/** One part of a ban list, as it shall be on the node. */
export interface ListPart {
  readonly list: string;
  readonly part: number;
  readonly parts: number;
  /** Canonical targets by the moment at which they end, Unix ms; left out: until lifted. */
  readonly groups: readonly { readonly until?: number; readonly targets: readonly string[] }[];
}

/** An entry that this node does not ban, and why. */
interface LeftOut {
  readonly target: string;
  readonly why: string;
}

export interface PlannedList {
  readonly entries: readonly BanChange[];
  readonly leftOut: readonly LeftOut[];
}

/** Ends that differ by less are the same: the order was some time on its way. */
const SAME_END_MS = 60_000;
/** A person's own ban that outlives the list's by more stays a person's own. */
const OWN_LONGER_MS = 600_000;

interface Known {
  readonly ban: BanState;
  readonly prefix: Prefix;
}
interface Wanted {
  readonly text: string;
  readonly prefix: Prefix;
  readonly until: number | null;
}

const END = Number.POSITIVE_INFINITY;
const endOf = (time: number | null): number => time ?? END;
const isSameEnd = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= SAME_END_MS;

/** What of the part is wanted now: what has run out is not. */
function wantedOf({ groups }: ListPart, nowMs: number): readonly Wanted[] {
  return groups.flatMap(({ until, targets }) =>
    until !== undefined && until <= nowMs
      ? []
      : targets.flatMap((text) => {
          const prefix = parsePrefix(text);
          return prefix === null ? [] : [{ text, prefix, until: until ?? null }];
        }),
  );
}

/** Bans that are there, by target, and prefixes among them. */
function indexBans(bans: readonly BanState[]) {
  const known = new Map<string, Known>();
  for (const ban of bans) {
    const prefix = parsePrefix(ban.target);
    if (prefix !== null) known.set(ban.target, { ban, prefix });
  }
  const nets = createPrefixIndex([...known.values()].map(({ prefix }) => prefix).filter((prefix) => !isSingle(prefix)));
  return { known, nets };
}

type Step = { readonly changes: readonly BanChange[] } | { readonly why: string };

const beforeOf = ({ expiresAt, reason }: BanState): BanChange['before'] => ({ expiresAt, reason });

/** One entry against what is there. */
function planEntry(entry: Wanted, reason: string, nowMs: number, { known, nets }: ReturnType<typeof indexBans>): Step {
  const { text, prefix, until } = entry;
  const same = known.get(text)?.ban;
  const isOurs = same?.reason === reason;
  if (same !== undefined && isOurs && isSameEnd(same.expiresAt, until)) return { changes: [] };
  if (same !== undefined && !isOurs && endOf(same.expiresAt) > endOf(until) + OWN_LONGER_MS) return { changes: [] };
  const after: BanAfter = {
    durationS: until === null ? null : Math.max(60, Math.ceil((until - nowMs) / 1000)),
    reason,
  };
  const own: BanChange = { target: text, before: same === undefined ? null : beforeOf(same), after };
  if (isSingle(prefix)) return { changes: [own] };
  // The kernel's set holds no prefix in another one.
  const around = nets.around(prefix);
  if (around !== null) {
    const ban = known.get(formatPrefix(around))?.ban;
    if (ban !== undefined && endOf(ban.expiresAt) + SAME_END_MS >= endOf(until)) return { changes: [] };
    return { why: `it lies in ${formatPrefix(around)}, which is banned for a shorter time` };
  }
  const inside = nets.inside(prefix).flatMap((one) => known.get(formatPrefix(one))?.ban ?? []);
  const longer = inside.find((ban) => ban.reason !== reason && endOf(ban.expiresAt) > endOf(until) + OWN_LONGER_MS);
  if (longer !== undefined) return { why: `it holds ${longer.target}, which is banned for longer` };
  return { changes: [...inside.map((ban) => ({ target: ban.target, before: beforeOf(ban), after: null })), own] };
}

/**
 * What would make the node ban exactly the entries of this part, of all that the list has banned there. Bans of people
 * and of other lists stay; an entry that the node never bans is left out, and named.
 */
export async function planListPart(host: Host, part: ListPart): Promise<PlannedList> {
  const nowMs = host.clock.nowMs();
  const reason = listReason(part.list);
  const there = indexBans(await host.firewall.bans());
  const never = (await host.firewall.neverBan()).flatMap(({ target, why }) => {
    const prefix = parsePrefix(target);
    return prefix === null ? [] : [{ prefix, why }];
  });
  const entries = new Map<string, BanChange>();
  const leftOut: LeftOut[] = [];
  const wanted = new Set<string>();
  const all = wantedOf(part, nowMs);
  for (const entry of all) {
    const hit = never.find(({ prefix }) => overlapsPrefix(prefix, entry.prefix));
    if (hit === undefined) wanted.add(entry.text);
    else
      leftOut.push({ target: entry.text, why: `it is never banned here: ${formatPrefix(hit.prefix)} is ${hit.why}` });
  }
  // What goes is no hindrance for what comes.
  for (const { ban } of there.known.values())
    if (ban.reason === reason && partOf(ban.target, part.parts) === part.part && !wanted.has(ban.target))
      entries.set(ban.target, { target: ban.target, before: beforeOf(ban), after: null });
  const staying =
    entries.size === 0
      ? there
      : indexBans([...there.known.values()].map(({ ban }) => ban).filter(({ target }) => !entries.has(target)));
  for (const entry of all) {
    if (!wanted.has(entry.text)) continue;
    const step = planEntry(entry, reason, nowMs, staying);
    if ('why' in step) leftOut.push({ target: entry.text, why: step.why });
    else for (const change of step.changes) entries.set(change.target, change);
  }
  return { entries: [...entries.values()], leftOut };
}
