/**
 * The keys that webhooks are signed by: of their own kind, so that no node ever believes what is signed by them. Each
 * controller has its own, in a file; the public halves of all are in the database and are shown to everybody. A
 * key is shown before it signs and after it did, so that no receiver meets one that it cannot find.
 */
import { keyThumbprint, type KeyPair } from '@hauban/link';
import type { WebhookKeys } from '@hauban/shared/api';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { WebhookKeysRepository } from './webhook-keys.repository.ts';

/** Where the private halves are. */
export interface KeyRing {
  /** Made on first use. */
  current(): KeyPair;
  /** The one that takes over; null: none. */
  next(): KeyPair | null;
  makeNext(): KeyPair;
  /** The next one is the current one, and what was current is gone. */
  promote(): void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOOK_MS = 60_000;
/** A key signs for so long. */
const LIFE_MS = 90 * DAY_MS;
/** Receivers that keep the set for a day find it before it is used. */
const BEFORE_MS = DAY_MS;
/** A controller that is down for longer shows its key again when it starts. */
const SHOWN_MS = 8 * DAY_MS;

interface KeyParts {
  readonly keys: WebhookKeysRepository;
  readonly ring: KeyRing;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
}

const kidOf = ({ publicText }: KeyPair): string => keyThumbprint(publicText) ?? '';

/**
 * Makes a key that takes over: after a day, or `atOnce`, when the old one was stolen; it is not shown any more then. Works
 * beside a running controller, which looks each minute.
 */
export async function rotateWebhookKey(
  { keys, ring, transaction, clock, audit }: Omit<KeyParts, 'log'>,
  atOnce: boolean,
): Promise<{ readonly kid: string; readonly signsFrom: number }> {
  const now = clock.nowMs();
  const signsFrom = atOnce ? now : now + BEFORE_MS;
  const old = kidOf(ring.current());
  const fresh = ring.makeNext();
  await transaction(async (tx) => {
    await keys.add(tx, {
      kid: kidOf(fresh),
      publicText: fresh.publicText,
      signsFrom,
      shownUntil: signsFrom + SHOWN_MS,
    });
    if (atOnce) await keys.showUntil(tx, old, now);
    audit.record(tx, { code: 'A7021W', who: 'system', detail: { old, kid: kidOf(fresh), signsFrom, atOnce } });
  });
  if (atOnce) ring.promote();
  return { kid: kidOf(fresh), signsFrom };
}

export function createWebhookKeys(parts: KeyParts) {
  const { keys, ring, transaction, clock } = parts;
  let signing: KeyPair | null = null;

  const show = async (pair: KeyPair, signsFrom: number): Promise<number> => {
    const now = clock.nowMs();
    const known = await keys.find(kidOf(pair));
    if (known === null || known.shownUntil < now + SHOWN_MS - HOUR_MS)
      await transaction(async (tx) => {
        const row = { kid: kidOf(pair), publicText: pair.publicText, signsFrom, shownUntil: now + SHOWN_MS };
        await keys.add(tx, row);
        await keys.showUntil(tx, row.kid, now + SHOWN_MS);
        await keys.forget(tx, now);
      });
    return known?.signsFrom ?? signsFrom;
  };

  /** Passes over to the next key when its time has come, and makes one when the time of this one is over. */
  const look = async (): Promise<void> => {
    const now = clock.nowMs();
    const next = ring.next();
    if (next !== null && (await show(next, now + BEFORE_MS)) <= now) ring.promote();
    const pair = ring.current();
    signing = pair;
    const since = await show(pair, now);
    if (next === null && since + LIFE_MS <= now) await rotateWebhookKey(parts, false);
  };

  let beat: Beat | null = null;
  return {
    look,
    current: (): { readonly pair: KeyPair; readonly kid: string } => {
      const pair = (signing ??= ring.current());
      return { pair, kid: kidOf(pair) };
    },
    /** What receivers check by. */
    shown: async (): Promise<WebhookKeys> => ({
      keys: (await keys.shown(clock.nowMs())).map(({ kid, publicText: x }) => ({
        ...({ kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' } as const),
      })),
    }),
    start: async () => {
      await look();
      beat = startBeat(parts, { everyMs: LOOK_MS, says: 'the keys of webhooks could not be looked at', work: look });
    },
    stop: async () => beat?.stop(),
  };
}

export type WebhookKeysService = ReturnType<typeof createWebhookKeys>;
