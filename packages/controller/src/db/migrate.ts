import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { HaubanError } from '@hauban/shared/errors';
import { refusalOf, toDatabaseError } from './database-error.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { connectPostgres } from './database.ts';

/** Any number that nobody else uses: two controllers that start at once migrate one after the other. */
const LOCK = 7_460_001;
const OLDEST = 150_000;
const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

/** One sentence for whoever starts the controller. The password is not repeated. */
function explain(error: unknown, url: string): unknown {
  const { host, port, database, user } = parseDatabaseUrl(url);
  const where = `${host}${host.startsWith('/') ? '' : `:${port}`}`;
  const refusal = refusalOf(error);
  if (refusal === 'sign-in') {
    return new HaubanError(
      'CONFIG_BAD',
      `PostgreSQL at ${where} refuses the user ${user} or its password: check DATABASE_URL.`,
      { cause: error },
    );
  }
  if (refusal === 'database') {
    return new HaubanError(
      'CONFIG_BAD',
      `PostgreSQL at ${where} has no database ${database}: create it or check DATABASE_URL.`,
      { cause: error },
    );
  }
  const known = toDatabaseError(error);
  if (!(known instanceof HaubanError) || known.code !== 'DATABASE') return known;
  return new HaubanError('DATABASE', `No PostgreSQL answers at ${where}: start it or check DATABASE_URL.`, {
    cause: error,
  });
}

/** Brings the database to this version's tables. CONFIG_BAD when the server is too old, DATABASE when it does not answer. */
export async function migrateDatabase(url: string): Promise<void> {
  const client = connectPostgres({ url, poolSize: 1 });
  try {
    const [row] = await client<{ version: number }[]>`SELECT current_setting('server_version_num')::int AS version`;
    if ((row?.version ?? 0) < OLDEST) {
      throw new HaubanError(
        'CONFIG_BAD',
        `PostgreSQL ${Math.floor((row?.version ?? 0) / 10_000)} is too old; 15 or newer is needed`,
      );
    }
    // Waiting for another controller's migrations may take longer than a request's statement may.
    await client`SELECT set_config('statement_timeout', '600000', false), set_config('lock_timeout', '600000', false)`;
    await client`SELECT pg_advisory_lock(${LOCK})`;
    await migrate(drizzle({ client }), { migrationsFolder: FOLDER });
  } catch (error) {
    throw explain(error, url);
  } finally {
    // Ends the session, and with it the lock.
    await client.end({ timeout: 5 });
  }
}
