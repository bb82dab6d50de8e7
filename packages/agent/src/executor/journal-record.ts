import type { Change } from '@hauban/shared/actions';
import {
  checkOrder,
  flag,
  integer,
  json,
  list,
  literal,
  nullable,
  object,
  oneOf,
  parseWith,
  text,
  UUID_PATTERN,
  type Check,
  type Checked,
} from '@hauban/shared/protocol';

/** What happened at one change of a plan; for a person to read, since recovery asks the machine itself. */
export const STEP_WORDS = ['apply', 'applied', 'revert', 'stuck'] as const;
export type StepWord = (typeof STEP_WORDS)[number];

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const timeMs = integer(0, 8_640_000_000_000_000);
const jws = text(400_000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });
/** Changes are written by us, and each line carries a checksum: their inside is not looked at again. */
const change: Check<Change> = (value, path) => json(value, path) as Change;

/** Absent in records of an order that nobody approved. */
const approvedRun: Check<string | null> = (value, path) => (value === undefined ? null : nullable(uuid)(value, path));

/**
 * Records of the order journal, in the order in which one order makes them. `head` says since when the memory is whole;
 * `kept` is a finished order after compaction.
 */
const records = {
  head: object({ t: literal('head'), v: literal(1), beganAt: timeMs }),
  /** Accepted, or refused for a reason that the authority's own signature stands behind. */
  taken: object({ t: literal('taken'), at: timeMs, hash, order: checkOrder, run: approvedRun }),
  /** The plan; on disk before the first effect. */
  begun: object({ t: literal('begun'), at: timeMs, id: uuid, changes: list(change, 10_000) }),
  step: object({ t: literal('step'), at: timeMs, id: uuid, index: integer(0, 10_000), what: oneOf(STEP_WORDS) }),
  /** The receipt; on disk before it is sent. */
  done: object({ t: literal('done'), at: timeMs, id: uuid, jws }),
  acked: object({ t: literal('acked'), id: uuid }),
  kept: object({ t: literal('kept'), at: timeMs, id: uuid, hash, iat: timeMs, jws, isAcked: flag, run: approvedRun }),
} as const;

export type JournalRecord = { [K in keyof typeof records]: Checked<(typeof records)[K]> }[keyof typeof records];

/** Null for a record that this version does not know: it was written by a newer one. */
export function parseJournalRecord(value: unknown): JournalRecord | null {
  const type = typeof value === 'object' && value !== null ? (value as { t?: unknown }).t : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(records, type)) return null;
  const parsed = parseWith<JournalRecord>(records[type as keyof typeof records], value);
  return parsed.ok ? parsed.value : null;
}
