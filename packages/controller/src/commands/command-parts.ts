import { systemClock, systemRandom } from '@hauban/link';
import { createAudit } from '../compose-audit.ts';
import type { Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';

/** The audit log, for a command that writes or checks it. */
export const auditOf = (database: Database) => createAudit(database, systemClock);

/** What features share, for one command. */
export const sharedOf = (database: Database) => ({
  audit: auditOf(database),
  transaction: database.transaction,
  together: database.together,
  clock: systemClock,
  random: systemRandom,
  log: createLog('warn'),
});
