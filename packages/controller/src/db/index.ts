/**
 * The database: client, transactions, tables, migrations. Only this room and `*.repository.ts` know SQL;
 * services see `Transact` and the opaque `Tx`. Nothing of a feature may enter.
 */
export { isUniqueViolation } from './database-error.ts';
export { createDatabase, type Database } from './database.ts';
export { migrateDatabase } from './migrate.ts';
export { storableJson, storableText } from './storable-json.ts';
export type { Queries, Tx } from './transaction.ts';
