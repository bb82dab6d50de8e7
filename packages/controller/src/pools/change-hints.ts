import { CHANGE_AREAS, type ChangeArea } from '@hauban/shared/protocol';
import type { Clock, Random } from '@hauban/shared/time';

/** What of one node is wanted, and what it said. */
interface Known {
  /** Link that was asked last, and for which areas. */
  session: string | null;
  areas: readonly ChangeArea[];
  /** Messages that may still come, and when that was reckoned. */
  allowance: number;
  reckonedAt: number;
  dropped: number;
  /** Not answered by a compare yet; `number` tells a later change of the same area from the one that is answered. */
  readonly heard: Map<ChangeArea, { readonly at: number; readonly number: number }>;
  /** Not looked at before. */
  readyAt: number;
  /** Times of the compares that this node's hints have caused within the hour. */
  compares: readonly number[];
}

/** When something in an area changed, Unix ms by our clock. */
export type Hinted = Partial<Record<ChangeArea, number>>;

export interface AreaLink {
  readonly session: string;
  watchAreas(areas: readonly string[]): unknown;
}

export interface ChangeHintsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly links: { linkOf(nodeId: string): AreaLink | null };
}

/** Messages of a node at once, and one more each (rule AREA3). */
const MOST_AT_ONCE = 3;
const REFILL_MS = 8_000;
/** Nodes that change together are not compared in the same second. */
const SPREAD_MS = 3_000;
/** Between two compares of a node that its hints cause, and so many of them in an hour. */
const REST_MS = 10_000;
const HOUR_MS = 3_600_000;
const MOST_AN_HOUR = 30;

const fresh = (now: number): Known => ({
  ...{ session: null, areas: [], allowance: MOST_AT_ONCE, reckonedAt: now, dropped: 0 },
  ...{ heard: new Map(), readyAt: 0, compares: [] },
});

/** May this message still be taken? */
function isAllowed(known: Known, now: number): boolean {
  known.allowance = Math.min(MOST_AT_ONCE, known.allowance + Math.max(0, now - known.reckonedAt) / REFILL_MS);
  known.reckonedAt = now;
  if (known.allowance < 1) return false;
  known.allowance -= 1;
  return true;
}

/** Has this node compares left in this hour? */
function hasCompares(known: Known, now: number): boolean {
  known.compares = known.compares.filter((at) => at > now - HOUR_MS && at <= now);
  return known.compares.length < MOST_AN_HOUR;
}

export type ChangeHints = ReturnType<typeof createChangeHints>;

/**
 * What nodes of pools say of changes (rules AREA1 to AREA3). Kept in memory by the controller that has the link: after
 * another link of the node it is compared whole anyway. However much a node says, it causes a bounded number of compares.
 */
export function createChangeHints({ clock, random, links }: ChangeHintsParts) {
  const nodes = new Map<string, Known>();
  let number = 0;

  return {
    /** Tells nodes which areas are wanted of them: all nodes of pools, and those that are of none any more. */
    ask: (wanted: ReadonlyMap<string, ReadonlySet<ChangeArea>>): void => {
      for (const nodeId of new Set([...nodes.keys(), ...wanted.keys()])) {
        const link = links.linkOf(nodeId);
        const known = nodes.get(nodeId) ?? fresh(clock.nowMs());
        const areas = CHANGE_AREAS.filter((area) => wanted.get(nodeId)?.has(area));
        if (wanted.has(nodeId)) nodes.set(nodeId, known);
        else nodes.delete(nodeId);
        if (link === null) continue;
        // What it watches for an earlier link is not known; that it needs not it is told when it says something.
        const isNew = link.session !== known.session;
        const watched = isNew ? '' : known.areas.join();
        Object.assign(known, { session: link.session, areas, dropped: isNew ? 0 : known.dropped });
        if (areas.join() !== watched) link.watchAreas(areas);
      }
    },
    /** What was dropped so far on this link, when this is dropped too; null: it is taken. */
    changed: (nodeId: string, changes: Readonly<Record<string, number>>): number | null => {
      const known = nodes.get(nodeId);
      const now = clock.nowMs();
      if (known === undefined || known.areas.length === 0) {
        links.linkOf(nodeId)?.watchAreas([]);
        return 0;
      }
      if (!isAllowed(known, now)) return (known.dropped += 1);
      if (known.heard.size === 0) known.readyAt = now + random.unit() * SPREAD_MS;
      for (const area of known.areas) {
        const agoMs = changes[area];
        number += 1;
        if (agoMs !== undefined) known.heard.set(area, { at: known.heard.get(area)?.at ?? now - agoMs, number });
      }
      return null;
    },
    /** Nodes that shall be compared because of what they said. */
    due: (): ReadonlyMap<string, { readonly hinted: Hinted; readonly upTo: number }> => {
      const now = clock.nowMs();
      const isDue = (known: Known): boolean =>
        known.heard.size > 0 &&
        known.readyAt <= now &&
        now - (known.compares.at(-1) ?? Number.NEGATIVE_INFINITY) >= REST_MS &&
        hasCompares(known, now);
      return new Map(
        [...nodes]
          .filter(([, known]) => isDue(known))
          .map(([nodeId, { heard }]) => {
            const hinted: Hinted = Object.fromEntries([...heard].map(([area, { at }]) => [area, at]));
            return [nodeId, { hinted, upTo: number }] as const;
          }),
      );
    },
    /** What was due is being compared. @param isCompared false: nothing is wished there */
    answered: (nodeId: string, upTo: number, isCompared: boolean): void => {
      const known = nodes.get(nodeId);
      if (known === undefined) return;
      for (const [area, one] of known.heard) if (one.number <= upTo) known.heard.delete(area);
      if (isCompared) known.compares = [...known.compares, clock.nowMs()];
    },
    /** May a compare of this node be made because of something else that it said? */
    spend: (nodeId: string): boolean => {
      const known = nodes.get(nodeId);
      const now = clock.nowMs();
      if (known === undefined || !hasCompares(known, now)) return false;
      known.compares = [...known.compares, now];
      return true;
    },
  };
}
