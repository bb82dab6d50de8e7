import { checkOrder, LIMITS, parseWith, type Order } from '@hauban/shared/protocol';

/** Limits that the signer keeps whatever the controller says. Times in ms. */
export interface SignLimits {
  /** Longest time between issue and expiry of an action; a shell permit must be used within a minute. */
  readonly actionLifetimeMs: number;
  readonly shellPermitMs: number;
  /** Longest shell. */
  readonly shellLengthMs: number;
  /** Orders in one burst, and orders a second after it: a controller that was taken over cannot flood the fleet unseen. */
  readonly burst: number;
  readonly perSecond: number;
}

export const DEFAULT_SIGN_LIMITS: SignLimits = {
  actionLifetimeMs: LIMITS.orderLifetimeMs,
  shellPermitMs: 60_000,
  shellLengthMs: 24 * 3_600_000,
  burst: 10_000,
  perSecond: 500,
};

export type Judged =
  | { readonly ok: true; readonly order: Order }
  | {
      readonly ok: false;
      readonly code: 'ORDER_MALFORMED' | 'ORDER_EXPIRED' | 'ORDER_NOT_YET_VALID';
      readonly detail: string;
    };

const refuse = (code: Exclude<Judged, { ok: true }>['code'], detail: string): Judged => ({ ok: false, code, detail });

/** Is this a well-formed order, issued now, within its limits of time? Pure; `nowMs` is the signer's own clock. */
export function judgeOrder(value: unknown, nowMs: number, limits: SignLimits): Judged {
  const parsed = parseWith(checkOrder, value);
  if (!parsed.ok) return refuse('ORDER_MALFORMED', `The order is not well-formed: ${parsed.problem}.`);
  const order = parsed.value;
  if (order.iat > nowMs + LIMITS.orderSkewMs)
    return refuse('ORDER_NOT_YET_VALID', 'The order is issued in the future.');
  // A back-dated order would shorten what nodes remember of replays.
  if (order.iat < nowMs - LIMITS.orderSkewMs) return refuse('ORDER_EXPIRED', 'The order is not issued now.');
  if (order.exp <= order.iat) return refuse('ORDER_EXPIRED', 'The order expires before it is issued.');
  const longest = order.kind === 'shell' ? limits.shellPermitMs : limits.actionLifetimeMs;
  if (order.exp - order.iat > longest)
    return refuse(
      'ORDER_MALFORMED',
      `The order is valid for ${order.exp - order.iat} ms; the signer allows ${longest} ms.`,
    );
  if (order.kind === 'shell' && (order.endsAt <= nowMs || order.endsAt > nowMs + limits.shellLengthMs))
    return refuse('ORDER_MALFORMED', 'The shell ends in the past or later than the signer allows.');
  return { ok: true, order };
}

/** A token bucket: `take` is false when the burst is used up and not yet refilled. */
export function createRateLimit(limits: Pick<SignLimits, 'burst' | 'perSecond'>): {
  take(monotonicMs: number): boolean;
} {
  let left = limits.burst;
  let atMs: number | null = null;
  return {
    take: (monotonicMs) => {
      if (atMs !== null) left = Math.min(limits.burst, left + ((monotonicMs - atMs) / 1000) * limits.perSecond);
      atMs = monotonicMs;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
