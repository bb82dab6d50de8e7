import { loadDatabaseUrl } from '../config.ts';
import { migrateDatabase } from '../db/index.ts';
import { say } from './standard-output.ts';

export async function migrate(): Promise<void> {
  await migrateDatabase(loadDatabaseUrl(process.env));
  say('The database has the tables of this version.');
}
