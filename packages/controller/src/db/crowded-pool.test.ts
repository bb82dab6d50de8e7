import { sql } from 'drizzle-orm';
import type postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { connectPostgres, createDatabase, type Database } from './database.ts';

/** As when thousands of nodes come back at once, each with its inventory. */
const CROWD = 1000;
const LARGE = 'x'.repeat(100_000);

let fixture: TestDatabase;
let database: Database;
let other: postgres.Sql;
beforeEach(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  other = connectPostgres({ url: fixture.url, poolSize: 1 });
});
afterEach(async () => {
  await other.end();
  await database.close();
  await fixture.drop();
});

const statement = (): Promise<unknown> =>
  database.query((db) => db.execute(sql`SELECT length(${LARGE}::text), pg_sleep(0.001)`));
const transaction = (): Promise<unknown> =>
  database.transaction(async ({ db }) => {
    await db.execute(sql`SELECT length(${LARGE}::text)`);
    await db.execute(sql`SELECT pg_sleep(0.001)`);
  });
/** The codes of what failed. */
async function crowd(): Promise<readonly string[]> {
  const all = Array.from({ length: CROWD }, (_, at) => (at % 2 === 0 ? statement() : transaction()));
  const ended = await Promise.allSettled(all);
  return ended.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
}
async function connections(): Promise<number> {
  const [row] = await other<{ count: number }[]>`
    SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'hauban-controller' AND pid <> pg_backend_pid()`;
  return row?.count ?? 0;
}

describe('a crowd at the database', () => {
  it('waits its turn: no transaction begins on a connection that others use', async () => {
    expect(await crowd()).toEqual([]);
    expect(await connections()).toBeLessThanOrEqual(10);
  }, 120_000);

  it('that loses connections again and again leaves none of them behind, and is served afterwards', async () => {
    for (let round = 0; round < 5; round += 1) {
      const work = crowd();
      await expect.poll(connections).toBeGreaterThan(2);
      await other`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'hauban-controller' AND pid <> pg_backend_pid() LIMIT 2`;
      await work;
    }
    await expect.poll(connections, { timeout: 30_000 }).toBeLessThanOrEqual(10);
    expect(await crowd()).toEqual([]);
  }, 240_000);
});
