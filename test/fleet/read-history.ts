import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peekJws } from '@hauban/link';
import type { Rollout } from '@hauban/shared/api';
import type { Receipt } from '@hauban/shared/protocol';
import type { Sql } from 'postgres';
import { parseJournalRecord } from '../../packages/agent/src/executor/journal-record.ts';
import { effectsFile, journalFolder, loadIdentity } from './fleet-node.ts';
import type { History, JournalOrder, NodeHistory, RunHistory } from './history.ts';
import { loadEffects } from './recorded-machine.ts';

/** Length of the checksum before the JSON of each line. */
const PREFIX = 9;

interface Entry {
  readonly issuedAt: number;
  readonly takenAt: number;
  readonly receipts: Set<string>;
  isAcked: boolean;
}

function receiptOf(jws: string): Pick<Receipt, 'outcome' | 'finishedAt'> {
  const peeked = peekJws(jws);
  if (!peeked.ok) throw new Error('a journal holds a receipt that is none');
  return peeked.payload as Receipt;
}

/** The orders of one node, as its journal has them; read while it runs, so that nothing is changed by looking. */
export function readJournal(folder: string): JournalOrder[] {
  const entries = new Map<string, Entry>();
  for (const line of readFileSync(join(journalFolder(folder), 'orders.journal'), 'utf8').split('\n')) {
    const record = line === '' ? null : parseJournalRecord(JSON.parse(line.slice(PREFIX)));
    if (record === null) continue;
    if (record.t === 'taken')
      entries.set(record.order.id, {
        issuedAt: record.order.iat,
        takenAt: record.at,
        receipts: entries.get(record.order.id)?.receipts ?? new Set(),
        isAcked: false,
      });
    else if (record.t === 'kept') {
      const { id, iat: issuedAt, at: takenAt, jws, isAcked } = record;
      entries.set(id, { issuedAt, takenAt, receipts: new Set([jws]), isAcked });
    } else if (record.t === 'done') entries.get(record.id)?.receipts.add(record.jws);
    else if (record.t === 'acked') {
      const entry = entries.get(record.id);
      if (entry !== undefined) entry.isAcked = true;
    }
  }
  return [...entries].map(([orderId, { issuedAt, takenAt, receipts, isAcked }]) => {
    const said = [...receipts].map(receiptOf);
    const outcomes = said.map(({ outcome }) => outcome);
    return { orderId, issuedAt, takenAt, outcomes, endedAt: said.at(-1)?.finishedAt ?? null, isAcked };
  });
}

function readNode(folder: string): NodeHistory {
  const { nodeId } = loadIdentity(folder);
  return { nodeId, orders: readJournal(folder), effects: loadEffects(effectsFile(folder)) };
}

interface RunRow {
  readonly id: string;
  readonly args: { readonly targets: readonly string[] };
  readonly state: string;
  readonly isFinished: boolean;
  readonly rollout: Rollout | null;
}
interface TargetRow {
  readonly orderId: string;
  readonly runId: string;
  readonly nodeId: string;
  readonly wave: number;
  readonly state: string;
  readonly isFinal: boolean;
  readonly isReleased: boolean;
}

async function readRuns(sql: Sql): Promise<RunHistory[]> {
  const runs = await sql<RunRow[]>`
    SELECT id, args, state, finished_at IS NOT NULL AS "isFinished", rollout FROM run WHERE action = 'firewall.ban'`;
  const targets = await sql<TargetRow[]>`
    SELECT order_id AS "orderId", run_id AS "runId", node_id AS "nodeId", wave, state,
      finished_at IS NOT NULL AS "isFinal", jws IS NOT NULL AS "isReleased" FROM run_target`;
  const moments = await sql<{ code: string; at: number; runId: string; wave: number | null }[]>`
    SELECT code, at::float8 AS at, detail::jsonb ->> 'runId' AS "runId", (detail::jsonb ->> 'wave')::int AS wave FROM audit_entry
    WHERE code IN ('A3004I', 'A3005W') ORDER BY seq`;
  return runs.map(({ id, args, state, isFinished, rollout }) => {
    const mine = moments.filter(({ runId }) => runId === id);
    return {
      id,
      ...{ state, isFinished, limits: rollout },
      address: args.targets[0] ?? '',
      begun: mine.flatMap(({ code, wave, at }) => (code === 'A3004I' && wave !== null ? [{ wave, at }] : [])),
      stoppedAt: mine.find(({ code }) => code === 'A3005W')?.at ?? null,
      targets: targets.filter(({ runId }) => runId === id),
    };
  });
}

/** @param folders of the nodes */
export async function readHistory(sql: Sql, folders: readonly string[]): Promise<History> {
  return { nodes: folders.map(readNode), runs: await readRuns(sql) };
}
