import { createDatabase, migrateDatabase, type Database } from '../db/index.ts';

/** Brings the database to this version's tables, and closes its connections afterwards. */
export async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  await migrateDatabase(url);
  const database = createDatabase({ url });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
