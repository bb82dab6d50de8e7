import { HaubanError } from '@hauban/shared/errors';
import { loadDatabaseUrl } from '../config.ts';
import { createDatabase } from '../db/index.ts';
import { auditOf } from './command-parts.ts';
import { say } from './standard-output.ts';

export async function verifyAudit(): Promise<void> {
  const database = createDatabase({ url: loadDatabaseUrl(process.env) });
  try {
    const verdict = await auditOf(database).verify();
    if (!verdict.ok)
      throw new HaubanError('INTERNAL', `The audit log is not whole: row ${verdict.seq}: ${verdict.problem}.`);
    say(`The audit log is whole: ${verdict.tail.seq} rows, last hash ${verdict.tail.hash}.`);
  } finally {
    await database.close();
  }
}
