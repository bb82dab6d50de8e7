/**
 * The audit log: who did what, when, on which node, and how it ended. Append-only and hash-chained. An entry is
 * written in the transaction of what it tells about, so neither exists without the other.
 */
import type { AuditRow } from '@hauban/shared/api';
import {
  AUDIT_CODES,
  AUDIT_GENESIS,
  outcomeOf,
  type AuditCode,
  type AuditDraft,
  type AuditRecord,
} from '@hauban/shared/audit';
import type { Clock } from '@hauban/shared/time';
import type { Transact, Tx } from '../db/transaction.ts';
import { verifyAuditChain, type ChainVerdict } from './audit-chain.ts';
import type { AuditFilter, AuditRepository } from './audit.repository.ts';
import type { AuditSight } from './audit-sight.ts';

/** What a feature tells. `who` is a person's name, or `system`. */
export interface AuditEntry {
  readonly code: AuditCode;
  readonly who: string;
  readonly address?: string | null;
  readonly nodeId?: string | null;
  readonly hostName?: string | null;
  readonly orderId?: string | null;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditQueryOptions extends Omit<AuditFilter, 'beforeSeq' | 'limit' | 'sight'> {
  readonly cursor?: string;
  readonly limit?: number;
}

export interface AuditService {
  /** Appends when the transaction commits, in the order of the calls. */
  record(tx: Tx, entry: AuditEntry): void;
  /** Appends in a transaction of its own: for refusals, where nothing else is written. */
  recordAlone(entry: AuditEntry): Promise<void>;
  /** @param sight what the reader may see; null: all rows */
  list(query: AuditQueryOptions, sight?: AuditSight | null): Promise<{ rows: AuditRow[]; cursor: string | null }>;
  /** Reads the whole chain and says whether it is whole. */
  verify(): Promise<ChainVerdict>;
}

export interface AuditParts {
  readonly repository: AuditRepository;
  readonly transaction: Transact;
  readonly clock: Clock;
}

const PAGE = 100;
const VERIFY_PAGE = 2000;
const UNSTORABLE = /[\p{Cs}\0]/gu;
const clean = (text: string): string => text.replaceAll(UNSTORABLE, '\uFFFD');

function toDraft(entry: AuditEntry, at: number): AuditDraft {
  return {
    at,
    code: entry.code,
    who: clean(entry.who),
    address: entry.address ?? null,
    nodeId: entry.nodeId ?? null,
    hostName: entry.hostName === undefined || entry.hostName === null ? null : clean(entry.hostName),
    orderId: entry.orderId ?? null,
    outcome: outcomeOf(entry.code),
    detail: clean(JSON.stringify(entry.detail ?? {})),
  };
}

function toAuditRow(record: AuditRecord): AuditRow {
  const titles: Readonly<Record<string, string>> = AUDIT_CODES;
  return {
    seq: record.seq,
    at: record.at,
    code: record.code,
    title: titles[record.code] ?? record.code,
    who: record.who,
    from: record.address,
    nodeId: record.nodeId,
    hostName: record.hostName,
    orderId: record.orderId,
    outcome: record.outcome,
    detail: JSON.parse(record.detail) as Record<string, unknown>,
    hash: record.hash,
  };
}

export function createAuditService({ repository, transaction, clock }: AuditParts): AuditService {
  /** Entries of transactions that have not committed yet. */
  const waiting = new WeakMap<Tx, AuditEntry[]>();

  const record = (tx: Tx, entry: AuditEntry): void => {
    const known = waiting.get(tx);
    if (known !== undefined) return void known.push(entry);
    const entries = [entry];
    waiting.set(tx, entries);
    // Last in the transaction: everybody who appends waits for the tail from here to the commit.
    tx.lastly(() => repository.appending(entries.map((one) => toDraft(one, clock.nowMs()))));
  };

  return {
    record,
    recordAlone: (entry) => transaction(async (tx) => record(tx, entry)),
    list: async ({ cursor, limit, ...filter }, sight = null) => {
      const most = limit ?? PAGE;
      const before = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? { beforeSeq: Number(cursor) } : {};
      const records = await repository.list({ ...filter, ...before, sight, limit: most });
      const last = records.length < most ? undefined : records.at(-1);
      return { rows: records.map(toAuditRow), cursor: last === undefined ? null : String(last.seq) };
    },
    verify: async () => {
      const end = await repository.tail();
      let verdict: ChainVerdict = { ok: true, tail: { seq: 0, hash: AUDIT_GENESIS } };
      while (verdict.ok && verdict.tail.seq < end.seq) {
        const rows = await repository.listAfter(verdict.tail.seq, VERIFY_PAGE);
        if (rows.length === 0)
          return { ok: false, seq: verdict.tail.seq + 1, problem: 'the rows up to the tail are missing' };
        verdict = verifyAuditChain(rows, verdict.tail);
      }
      if (verdict.ok && verdict.tail.seq === end.seq && verdict.tail.hash !== end.hash) {
        return { ok: false, seq: end.seq, problem: 'the tail names another hash' };
      }
      return verdict;
    },
  };
}
