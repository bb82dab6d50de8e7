import { containsPrefix, formatPrefix, overlapsPrefix, parsePrefix, isSingle, type Prefix } from '../address.ts';
import type { BanAfter, BanChange } from '../change.ts';
import type { BanState, Host } from '../host.ts';
import { refuse, type Planner } from '../planner.ts';

/** What a ban or its lifting would change, given what is banned now. Prefixes may not overlap each other in the kernel's set. */

interface Known {
  readonly ban: BanState;
  readonly prefix: Prefix;
}

function prefixOf(target: string): Prefix {
  const prefix = parsePrefix(target);
  return prefix ?? refuse(`${target} is no address and no prefix`);
}

async function loadBans(host: Host): Promise<readonly Known[]> {
  return (await host.firewall.bans()).map((ban) => ({ ban, prefix: prefixOf(ban.target) }));
}

const beforeOf = ({ expiresAt, reason }: BanState): BanChange['before'] => ({ expiresAt, reason });
const until = (expiresAt: number | null): string =>
  expiresAt === null ? 'until lifted' : `until ${new Date(expiresAt).toISOString().slice(0, 19)}Z`;

/**
 * The same ban asked for again some seconds later would end some seconds later: that is no change. It is one when
 * the ban would run at least a tenth longer.
 */
function isLongEnough(expiresAt: number | null, wanted: BanAfter, nowMs: number): boolean {
  if (expiresAt === null) return true;
  if (wanted.durationS === null) return false;
  return expiresAt - nowMs >= wanted.durationS * 900;
}

const endsLater = (expiresAt: number | null, wanted: BanAfter, nowMs: number): boolean =>
  wanted.durationS !== null && (expiresAt === null || expiresAt > nowMs + wanted.durationS * 1000);

/** Refuses a target that holds, or lies in, an address that this node needs. */
function checkNever(target: Prefix, never: readonly { readonly prefix: Prefix; readonly why: string }[]): void {
  const hit = never.find((entry) => overlapsPrefix(entry.prefix, target));
  if (hit !== undefined) refuse(`${formatPrefix(target)} is never banned: ${formatPrefix(hit.prefix)} is ${hit.why}`);
}

function planOne(planner: Planner, target: Prefix, wanted: BanAfter, known: readonly Known[]): readonly BanChange[] {
  const nowMs = planner.host.clock.nowMs();
  const text = formatPrefix(target);
  const same = known.find(({ ban }) => ban.target === text);
  const covering = known.find(
    ({ ban, prefix }) =>
      ban.target !== text && containsPrefix(prefix, target) && isLongEnough(ban.expiresAt, wanted, nowMs),
  );
  if (same !== undefined && isLongEnough(same.ban.expiresAt, wanted, nowMs)) {
    planner.note(`${text} is banned already, ${until(same.ban.expiresAt)}.`);
    return [];
  }
  if (covering !== undefined) {
    planner.note(`${text} is covered already by ${covering.ban.target}, ${until(covering.ban.expiresAt)}.`);
    return [];
  }
  const own: BanChange = { target: text, before: same === undefined ? null : beforeOf(same.ban), after: wanted };
  if (isSingle(target)) return [own];
  const overlapping = known.filter(
    ({ ban, prefix }) => ban.target !== text && !isSingle(prefix) && overlapsPrefix(prefix, target),
  );
  const outer = overlapping.find(({ prefix }) => prefix.length < target.length);
  if (outer !== undefined)
    refuse(
      `${text} lies in ${outer.ban.target}, which is banned for a shorter time: ban ${outer.ban.target} for longer instead`,
    );
  const longer = overlapping.find(({ ban }) => endsLater(ban.expiresAt, wanted, nowMs));
  if (longer !== undefined)
    refuse(
      `${text} holds ${longer.ban.target}, which is banned for longer: ban ${text} at least as long, or lift that one first`,
    );
  // Smaller prefixes that end earlier are replaced by the one around them.
  return [...overlapping.map(({ ban }) => ({ target: ban.target, before: beforeOf(ban), after: null })), own];
}

/** Targets that lie in other targets of the same request would overlap each other. */
function checkDisjoint(targets: readonly Prefix[]): void {
  const prefixes = targets.filter((target) => !isSingle(target));
  for (const [index, one] of prefixes.entries()) {
    const other = prefixes.slice(index + 1).find((candidate) => overlapsPrefix(one, candidate));
    if (other !== undefined) refuse(`${formatPrefix(one)} and ${formatPrefix(other)} overlap: give the wider one only`);
  }
}

export async function planBans(planner: Planner, texts: readonly string[], wanted: BanAfter): Promise<void> {
  const targets = texts.map(prefixOf);
  checkDisjoint(targets);
  const never = (await planner.host.firewall.neverBan()).map(({ target, why }) => ({ prefix: prefixOf(target), why }));
  for (const target of targets) checkNever(target, never);
  const known = await loadBans(planner.host);
  const entries = new Map<string, BanChange>();
  for (const target of targets)
    for (const entry of planOne(planner, target, wanted, known)) entries.set(entry.target, entry);
  if (targets.some((target) => target.family === 6 && isSingle(target)))
    planner.note('The holder of a single IPv6 address can easily take another one: its /64 is surer.');
  if (entries.size > 0) planner.add({ kind: 'bans', entries: [...entries.values()] });
}

export async function planUnbans(planner: Planner, texts: readonly string[]): Promise<void> {
  const known = await loadBans(planner.host);
  const entries: BanChange[] = [];
  for (const target of texts.map(prefixOf)) {
    const text = formatPrefix(target);
    const same = known.find(({ ban }) => ban.target === text);
    const around = known.find(({ ban, prefix }) => ban.target !== text && containsPrefix(prefix, target));
    // Lifting less than the whole prefix would need an exception, and leave the address banned if it were ignored.
    if (around !== undefined && !texts.includes(around.ban.target))
      refuse(`${text} lies in ${around.ban.target}, which is banned: lift that one, or both`);
    if (same === undefined) planner.note(`${text} is not banned.`);
    else entries.push({ target: text, before: beforeOf(same.ban), after: null });
    const inside = known.filter(({ ban, prefix }) => ban.target !== text && containsPrefix(target, prefix));
    if (inside.length > 0)
      planner.note(
        `Inside ${text} there are bans of their own, which stay: ${inside
          .slice(0, 5)
          .map(({ ban }) => ban.target)
          .join(', ')}.`,
      );
  }
  if (entries.length > 0) planner.add({ kind: 'bans', entries });
}
