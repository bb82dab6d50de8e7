import { loadDatabaseUrl } from '../config.ts';
import { createNodesRepository } from '../nodes/nodes.repository.ts';
import { auditOf } from './command-parts.ts';
import { say } from './standard-output.ts';
import { withDatabase } from './with-database.ts';

/** Once, while no controller runs: what nodes did since the backup is not in this database. */
export async function afterRestore(): Promise<void> {
  await withDatabase(loadDatabaseUrl(process.env), async (database) => {
    const nodes = await database.transaction(async (tx) => {
      const count = await createNodesRepository(database).forgetJoins(tx);
      auditOf(database).record(tx, { code: 'A5010W', who: 'system', detail: { nodes: count } });
      return count;
    });
    say(`Each of ${nodes} nodes is believed once when it connects; see docs/restore.md for what else to look at.`);
  });
}
