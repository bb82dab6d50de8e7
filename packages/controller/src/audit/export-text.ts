import { sha256Hex } from '@hauban/link';
import {
  AUDIT_GENESIS,
  auditFirstLine,
  auditRowLine,
  auditSignedLine,
  auditStepLine,
  chainHeads,
} from '@hauban/shared/audit';
import type { SignedLinkStep } from '@hauban/shared/protocol';
import type { AuditHeadsRepository } from './audit-heads.repository.ts';
import type { AuditRepository } from './audit.repository.ts';

export interface ExportParts {
  readonly repository: Pick<AuditRepository, 'listAfter'>;
  readonly heads: Pick<AuditHeadsRepository, 'between'>;
}

/** Up to where an export goes, and what closes it (`AuditHeadsService.closing`). */
export interface ExportClosing {
  readonly controller: string;
  readonly seq: number;
  /** Between link keys, oldest first. */
  readonly steps: readonly SignedLinkStep[];
  end(all: { readonly heads: number; readonly headsHash: string }): string;
}

const PAGE = 1000;

/**
 * The audit log as JSON lines (`@hauban/shared/audit`, export-lines.ts), read page by page. It is written out as it is
 * in the database: what was done to it there is for the reader to find.
 */
export async function* exportText({ repository, heads }: ExportParts, closing: ExportClosing): AsyncGenerator<string> {
  yield `${auditFirstLine(closing.controller)}\n`;
  for (const step of closing.steps) yield `${auditStepLine(step)}\n`;
  let [seq, count, headsHash] = [0, 0, AUDIT_GENESIS];
  for (;;) {
    const rows = (await repository.listAfter(seq, PAGE)).filter((row) => row.seq <= closing.seq);
    const last = rows.at(-1);
    if (last === undefined) break;
    const bySeq = new Map((await heads.between(seq, last.seq)).map((head) => [head.seq, head.jws]));
    const lines: string[] = [];
    for (const row of rows) {
      lines.push(auditRowLine(row));
      const jws = bySeq.get(row.seq);
      if (jws === undefined) continue;
      lines.push(auditSignedLine('head', jws));
      headsHash = chainHeads(headsHash, jws, sha256Hex);
      count += 1;
    }
    yield `${lines.join('\n')}\n`;
    seq = last.seq;
  }
  yield `${auditSignedLine('end', closing.end({ heads: count, headsHash }))}\n`;
}
