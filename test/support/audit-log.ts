import { randomUUID } from 'node:crypto';
import { createKeyPair, sha256Hex, signAuditExportEnd, signAuditHead, type KeyPair } from '@hauban/link';
import { AUDIT_GENESIS, auditBody, type AuditDraft, type AuditRecord } from '@hauban/shared/audit';
import { exportText } from '../../packages/controller/src/audit/export-text.ts';

const nodeId = '00000000-0000-4000-8000-00000000000a';
const orderId = '00000000-0000-4000-8000-00000000000b';

/** An audit log in memory, chained and signed as the controller does it, for what reads exports. */
export interface AuditLog {
  readonly controller: string;
  readonly key: KeyPair;
  readonly rows: readonly AuditRecord[];
  /** Signed heads by the row that they name. */
  readonly heads: ReadonlyMap<number, string>;
}

export interface AuditLogOptions {
  readonly rows: number;
  /** A head behind every so many rows, and behind the last. */
  readonly headEvery: number;
  readonly controller?: string;
  readonly key?: KeyPair;
  readonly draft?: (seq: number) => Partial<AuditDraft>;
}

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { controller = randomUUID(), key = createKeyPair(), draft } = options;
  const rows: AuditRecord[] = [];
  const heads = new Map<number, string>();
  let prevHash = AUDIT_GENESIS;
  for (let seq = 1; seq <= options.rows; seq += 1) {
    const body: AuditDraft = {
      at: 1_790_000_000_000 + seq * 1000,
      code: 'A3010I',
      who: `person-${seq % 7}`,
      address: seq % 3 === 0 ? null : '192.0.2.7',
      nodeId: seq % 2 === 0 ? nodeId : null,
      hostName: 'wéb1 \u2028 "<b>',
      orderId,
      outcome: 'ok',
      detail: JSON.stringify({ seq, action: 'php.switch-version' }),
      ...draft?.(seq),
    };
    const hash = sha256Hex(`${prevHash}\n${seq}\n${auditBody(body)}`);
    rows.push({ seq, ...body, prevHash, hash });
    if (seq % options.headEvery === 0 || seq === options.rows)
      heads.set(seq, signAuditHead({ v: 1, controller, seq, hash, at: body.at }, key));
    prevHash = hash;
  }
  return { controller, key, rows, heads };
}

/** Its export, by the controller's own writer. */
export function exportPieces({ controller, key, rows, heads }: AuditLog): AsyncGenerator<string> {
  const { seq, hash, at } = rows.at(-1) ?? { seq: 0, hash: AUDIT_GENESIS, at: 0 };
  const head = (from: number, upTo: number) =>
    rows.slice(from, upTo).flatMap((row) => {
      const jws = heads.get(row.seq);
      return jws === undefined ? [] : [{ ...row, key: key.publicText, jws }];
    });
  return exportText(
    {
      repository: { listAfter: async (after, limit) => rows.slice(after, after + limit) },
      heads: { between: async (after, upTo) => head(after, upTo) },
    },
    { controller, seq, steps: [], end: (all) => signAuditExportEnd({ v: 1, controller, seq, hash, at, ...all }, key) },
  );
}

export async function exportOf(log: AuditLog): Promise<string> {
  let text = '';
  for await (const piece of exportPieces(log)) text += piece;
  return text;
}
