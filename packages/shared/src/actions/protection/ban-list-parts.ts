/**
 * A ban list of a pool reaches a node in parts: each is a wish of its own and small enough for an order. Which part an
 * entry is in follows from its text alone, so that one entry more changes one part.
 */

/** Entries of one part, on average. */
const PART_ENTRIES = 1500;
const MOST_PARTS = 64;
/** An uneven spread has to fit too. */
export const MOST_PART_ENTRIES = 4000;
/** Entries of one list. */
export const MOST_LIST_ENTRIES = 50_000;

/** A power of two: lists that grow double their parts seldom. */
export function partsFor(entries: number): number {
  let parts = 1;
  while (parts < MOST_PARTS && entries > parts * PART_ENTRIES) parts *= 2;
  return parts;
}

/** FNV-1a, 32 bits: spreads texts evenly, and is the same everywhere. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** @param target canonical */
export const partOf = (target: string, parts: number): number => spread(target) % parts;

const TAG = 'list:';

/** The reason of a ban that a list made: what tells it from bans of people. */
export const listReason = (list: string): string => `${TAG}${list}`;

/** The list that made a ban, by its reason; null: none. */
export const listOfReason = (reason: string): string | null =>
  reason.startsWith(TAG) ? reason.slice(TAG.length) : null;
