import {
  integer,
  list,
  literal,
  MOST_JOIN_MARKS,
  object,
  parseJson,
  text,
  type Checked,
  type JoinClaim,
} from '@hauban/shared/protocol';
import { HaubanError } from '@hauban/shared/errors';
import type { LinkLog } from './link-log.ts';

/**
 * What this node remembers of its links, so that a copy of its disk is found (rules KEYS4 to KEYS6). Each link gives
 * both ends a mark; the next link must show it. The mark is stored before the proof goes out, beside the one before:
 * until `ready` came nobody here knows whether the controller has counted that link, so the next hello offers both.
 */
export interface JoinLedger {
  /** What the next hello says; the counter is one more than ever before. */
  claim(nodeId: string): JoinClaim;
  /** Before the proof is sent. @param joined the last link that the controller has counted */
  step(link: { readonly counter: number; readonly mark: string; readonly joined: number }): void;
  /** `ready` came: the newest mark is the one that counts. */
  settled(): void;
}

/** A text that survives a crash: what was saved last, or before if the crash came in the middle. */
export interface LedgerStore {
  load(): string | null;
  save(text: string): void;
}

const number = integer(0, 2 ** 47);
const checkLedger = object({
  v: literal(1),
  nodeId: text(36),
  counter: number,
  /** Oldest first. */
  marks: list(object({ counter: number, mark: text(43) }), MOST_JOIN_MARKS),
});
type Ledger = Checked<typeof checkLedger>;

/** Drops marks of which it is certain, or as good as, that the controller will not ask for them. */
function withoutOld(marks: Ledger['marks'], joined: number): Ledger['marks'] {
  // What the controller has counted never goes back.
  const possible = marks.filter(({ counter }) => counter >= joined);
  const [first, ...others] = possible;
  const isFull = first !== undefined && possible.length >= MOST_JOIN_MARKS;
  // The first is the one that is counted now; of the others, whose proofs did not arrive, the oldest goes.
  return isFull ? [first, ...others.slice(1)] : possible;
}

export function createJoinLedger(store: LedgerStore, log: LinkLog): JoinLedger {
  let ledger: Ledger | null = null;

  const load = (): Ledger | null => {
    try {
      const source = store.load();
      const parsed = source === null ? null : parseJson(checkLedger, source);
      return parsed?.ok === true ? parsed.value : null;
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      log.error({ code: error.code, detail: error.detail }, 'the record of former links cannot be read');
      return null;
    }
  };

  /** A disk that cannot be written must not cost the link: this process knows its marks, only the next one would not. */
  const save = (next: Ledger): void => {
    ledger = next;
    try {
      store.save(JSON.stringify(next));
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      const says = 'the record of this link cannot be written: after a restart this node may be taken for a copy';
      log.error({ code: error.code, detail: error.detail }, says);
    }
  };

  const current = (nodeId: string): Ledger => {
    const stored = load();
    if (ledger === null || (stored !== null && stored.counter > ledger.counter)) ledger = stored;
    return ledger?.nodeId === nodeId ? ledger : { v: 1, nodeId, counter: 0, marks: [] };
  };

  return {
    claim: (nodeId) => {
      ledger = current(nodeId);
      return { counter: ledger.counter + 1, marks: ledger.marks.map(({ mark }) => mark) };
    },
    step: ({ counter, mark, joined }) => {
      if (ledger === null) throw new TypeError('a step without a claim');
      save({ ...ledger, counter, marks: [...withoutOld(ledger.marks, joined), { counter, mark }] });
    },
    settled: () => {
      if (ledger !== null) save({ ...ledger, marks: ledger.marks.slice(-1) });
    },
  };
}
