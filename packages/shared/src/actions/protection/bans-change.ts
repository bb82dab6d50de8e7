import type { ChangeHandler } from '../change-handler.ts';
import type { BanAfter, BanChange, ChangeState } from '../change.ts';
import type { BanEntry, BanState } from '../host.ts';

/** The kernel counts in its own ticks and answers in seconds. */
const TOLERANCE_MS = 2000;

const isNear = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= TOLERANCE_MS;

interface Standing {
  readonly isBefore: boolean;
  readonly isAfter: boolean;
}

/** Applied at some moment up to now, so it ends within its duration from here. */
function endsWithin({ durationS }: BanAfter, { expiresAt }: BanState, nowMs: number): boolean {
  if (durationS === null) return expiresAt === null;
  return expiresAt !== null && expiresAt <= nowMs + durationS * 1000 + TOLERANCE_MS;
}

/** Both can hold: a ban that was to be lifted has run out by itself. */
function standing({ before, after }: BanChange, current: BanState | undefined, nowMs: number): Standing {
  const isBeforeOver = before === null || (before.expiresAt !== null && before.expiresAt <= nowMs);
  if (current === undefined) return { isBefore: isBeforeOver, isAfter: after === null };
  const mayBeAfter = after !== null && endsWithin(after, current, nowMs);
  // Before it is extended, a ban ends within the longer time as well; one that only gets another reason tells by that.
  const hasNewReason = mayBeAfter && after.reason !== before?.reason && current.reason === after.reason;
  if (before !== null && isNear(current.expiresAt, before.expiresAt) && !hasNewReason)
    return { isBefore: true, isAfter: false };
  return { isBefore: false, isAfter: mayBeAfter };
}

/** Of the whole list: it is one transaction, so a mixture can only come from elsewhere. */
function together(standings: readonly Standing[]): ChangeState {
  if (standings.every(({ isAfter }) => isAfter)) return 'after';
  return standings.every(({ isBefore }) => isBefore) ? 'before' : 'other';
}

function banned(entries: readonly BanChange[], nowMs: number): readonly BanEntry[] {
  return entries.flatMap(({ target, after }) =>
    after === null
      ? []
      : [{ target, reason: after.reason, expiresAt: after.durationS === null ? null : nowMs + after.durationS * 1000 }],
  );
}

export const bansHandler: ChangeHandler<'bans'> = {
  async state(host, { entries }) {
    const current = new Map((await host.firewall.bans()).map((ban) => [ban.target, ban]));
    const nowMs = host.clock.nowMs();
    return together(entries.map((entry) => standing(entry, current.get(entry.target), nowMs)));
  },
  apply: (host, { entries }) =>
    host.firewall.update(
      banned(entries, host.clock.nowMs()),
      entries.filter((entry) => entry.after === null).map((entry) => entry.target),
    ),
  revert(host, { entries }) {
    const nowMs = host.clock.nowMs();
    const back = entries.flatMap(({ target, before }) =>
      before === null || (before.expiresAt !== null && before.expiresAt <= nowMs) ? [] : [{ target, ...before }],
    );
    const kept = new Set(back.map((ban) => ban.target));
    return host.firewall.update(
      back,
      entries.map((entry) => entry.target).filter((target) => !kept.has(target)),
    );
  },
};
