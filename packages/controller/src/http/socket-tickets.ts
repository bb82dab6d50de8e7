import { createHash } from 'node:crypto';
import type { Clock, Random } from '@hauban/shared/time';
import type { Caller } from './caller.ts';

/**
 * One-time tickets for WebSockets: a browser cannot set a header there, and a cookie alone would let another site
 * open the socket. Kept in memory: a ticket lives 30 s and is used at the controller that gave it.
 */
export interface SocketTickets {
  issue(caller: Caller): string;
  /** The caller, once; null for a ticket that is unknown, used or old. */
  redeem(ticket: string): Caller | null;
}

const LIFETIME_MS = 30_000;
/** Far more than people open at once; beyond it the oldest go. */
const MOST = 10_000;

const keyOf = (ticket: string): string => createHash('sha256').update(ticket).digest('hex');

export function createSocketTickets(clock: Clock, random: Random): SocketTickets {
  const tickets = new Map<string, { readonly caller: Caller; readonly endsAt: number }>();

  const dropOld = (): void => {
    // In order of issue, so the old ones are in front.
    for (const [key, { endsAt }] of tickets) {
      if (endsAt > clock.monotonicMs() && tickets.size < MOST) return;
      tickets.delete(key);
    }
  };

  return {
    issue: (caller) => {
      dropOld();
      const ticket = Buffer.from(random.bytes(32)).toString('base64url');
      tickets.set(keyOf(ticket), { caller, endsAt: clock.monotonicMs() + LIFETIME_MS });
      return ticket;
    },
    redeem: (ticket) => {
      const key = keyOf(ticket);
      const found = tickets.get(key);
      tickets.delete(key);
      return found === undefined || found.endsAt <= clock.monotonicMs() ? null : found.caller;
    },
  };
}
