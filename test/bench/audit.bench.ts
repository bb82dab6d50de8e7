/**
 * How fast an export of the audit log is verified, by the command line's own check, from a file. The floor is what
 * cannot be saved: reading the lines and one SHA-256 a row over as many bytes.
 */
import { hash } from 'node:crypto';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { verifyAuditFile } from '../../packages/cli/src/audit-file.ts';
import { createAuditLog, exportPieces } from '../support/audit-log.ts';
import type { BenchRow } from './bench-row.ts';

const ROWS = 1_000_000;
/** A busy minute: some 17 rows a second. */
const HEAD_EVERY = 1000;

async function readAndHash(path: string): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(path) })) hash('sha256', line, 'hex');
}

const secondsOf = async (work: () => Promise<void>): Promise<number> => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
};

/** The log itself is dropped: a million rows in memory would be what is measured. */
async function writeExport(path: string): Promise<{ readonly key: string; readonly heads: number }> {
  const log = createAuditLog({ rows: ROWS, headEvery: HEAD_EVERY });
  const file = openSync(path, 'w');
  for await (const piece of exportPieces(log)) writeSync(file, piece);
  closeSync(file);
  return { key: log.key.publicText, heads: log.heads.size };
}

export async function runAuditBench(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-bench-'));
  const path = join(folder, 'audit.jsonl');
  try {
    const { key, heads } = await writeExport(path);
    const floorS = await secondsOf(() => readAndHash(path));
    const tookS = await secondsOf(async () => {
      const verdict = await verifyAuditFile({ path, keys: [key], witnesses: [] });
      if (!verdict.ok || verdict.rows !== ROWS) throw new Error('the export was not taken for whole');
    });
    const size = `${Math.round(statSync(path).size / 1e6)} MB in ${tookS.toFixed(1)} s`;
    return [
      {
        name: 'audit rows verified per second',
        value: ROWS / tookS,
        unit: 'rows/s',
        floor: ROWS / floorS,
        ratio: floorS / tookS,
        note: `${ROWS} rows, ${heads} heads, ${size}; floor: lines and SHA-256 alone`,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
