import { sha256Hex } from '@hauban/link';
import type { JoinClaim } from '@hauban/shared/protocol';

/**
 * What the controller remembers of a node's last link. `markHash` null: the next one to prove the key is believed.
 * Hashes are hex SHA-256: who reads the database cannot show a mark.
 */
export interface StoredJoin {
  readonly counter: number;
  readonly markHash: string | null;
  /** Of the marks that the node showed when it made that link. */
  readonly shownHashes: readonly string[];
}

/** A link that was proven: what the node shows of the ones before, and the mark of this one. */
export interface ProvenJoin {
  readonly join: JoinClaim;
  readonly joinMark: string;
}

export const NO_JOIN: StoredJoin = { counter: 0, markHash: null, shownHashes: [] };

/**
 * Rule KEYS6: is this the node that made the last link, or a copy of its disk? Who made the last link knows its mark,
 * also when it was killed before it heard that the link counted: it stored the mark before it sent its proof, and
 * shows it beside the one before. A copy from before the last link cannot know that mark; a copy from after it leaves
 * the original behind with the first link that it makes.
 *
 * `late`: the proof of a link that the node had given up already when it made the last one, and had said so by showing
 * its mark. It was overtaken on the way; nobody else can have made it.
 */
export function judgeJoin(stored: StoredJoin, { join, joinMark }: ProvenJoin): 'same' | 'late' | 'copy' {
  if (stored.markHash === null) return 'same';
  if (stored.shownHashes.includes(sha256Hex(joinMark))) return 'late';
  const isKnown = join.marks.some((mark) => sha256Hex(mark) === stored.markHash);
  return isKnown && join.counter > stored.counter ? 'same' : 'copy';
}

/** What is remembered of a link that was counted. */
export const storedJoin = ({ join, joinMark }: ProvenJoin): StoredJoin => ({
  counter: join.counter,
  markHash: sha256Hex(joinMark),
  shownHashes: join.marks.map((mark) => sha256Hex(mark)),
});
