import { and, eq, inArray, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { createDatabase, type Database } from './database.ts';
import { migrateDatabase } from './migrate.ts';
import { auditTail } from './schema/audit.ts';
import { setupToken } from './schema/people.ts';

let fixture: TestDatabase;
let database: Database;
beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url, poolSize: 4 });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

const token = (hash: string): typeof setupToken.$inferInsert => ({ hash, createdAt: 1, expiresAt: 2 });
const hashes = async (): Promise<string[]> =>
  (await database.query((db) => db.select().from(setupToken))).map((row) => row.hash).toSorted();

describe('transaction', () => {
  it('keeps all or nothing, runs what was put before the commit last, and tells only after the commit', async () => {
    const order: string[] = [];
    await database.transaction(async (tx) => {
      tx.afterCommit(() => void order.push('after'));
      tx.lastly(() => {
        order.push('last');
        return sql`NULL`;
      });
      await tx.db.insert(setupToken).values(token('kept'));
      order.push('work');
    });
    await expect(
      database.transaction(async (tx) => {
        tx.afterCommit(() => void order.push('after a rollback'));
        await tx.db.insert(setupToken).values(token('lost'));
        throw new RangeError('rolled back');
      }),
    ).rejects.toThrow(RangeError);
    expect(order).toEqual(['work', 'last', 'after']);
    expect(await hashes()).toEqual(['kept']);
  });

  it('of writes only is one statement: all or nothing, the last expression once and behind the writes', async () => {
    const tail = async (): Promise<number> =>
      (await database.query((db) => db.select().from(auditTail)))[0]?.seq ?? Number.NaN;
    const entries = JSON.stringify([{ at: 1, code: 'A0000I', who: 'test', outcome: 'ok', detail: '{}', body: 'x' }]);
    const order: string[] = [];
    const write = async (hashesOf: readonly string[], where: boolean): Promise<boolean> =>
      database.together((tx) => {
        tx.write('first', (db) =>
          db
            .update(setupToken)
            .set({ expiresAt: 9 })
            .where(and(eq(setupToken.hash, 'kept'), sql`${where}`))
            .returning({ hash: setupToken.hash }),
        );
        for (const [index, hash] of hashesOf.entries())
          tx.write(`more_${index}`, (db) =>
            db.execute(
              sql`INSERT INTO setup_token (hash, created_at, expires_at) SELECT ${hash}, 1, 2 FROM first RETURNING hash`,
            ),
          );
        tx.lastly(() => sql`append_audit(${entries}::jsonb)`);
        tx.afterCommit(() => void order.push(`after ${hashesOf.join()}`));
      });
    const before = await tail();
    expect(await write(['x', 'y'], true)).toBe(true);
    expect(await tail()).toBe(before + 1);
    // The first touches nothing: nothing at all is written.
    expect(await write(['z'], false)).toBe(false);
    await expect(write(['q', 'x'], true)).rejects.toThrow();
    expect(await hashes()).toEqual(['kept', 'x', 'y']);
    expect(await tail()).toBe(before + 1);
    expect(order).toEqual(['after x,y']);
    await database.query((db) => db.delete(setupToken).where(inArray(setupToken.hash, ['x', 'y'])));
  });

  it('runs the work again when PostgreSQL ends it because of a deadlock', async () => {
    await database.query((db) => db.insert(setupToken).values([token('a'), token('b')]));
    let attempts = 0;
    let bothHold: () => void = () => undefined;
    const held = new Promise<void>((done) => {
      let count = 0;
      bothHold = () => {
        count += 1;
        if (count === 2) done();
      };
    });
    const cross = (first: string, second: string): Promise<void> =>
      database.transaction(async (tx) => {
        attempts += 1;
        await tx.db.update(setupToken).set({ expiresAt: 3 }).where(eq(setupToken.hash, first));
        bothHold();
        await held;
        await tx.db.update(setupToken).set({ expiresAt: 4 }).where(eq(setupToken.hash, second));
      });
    await Promise.all([cross('a', 'b'), cross('b', 'a')]);
    // One of the two at least; where both have waited long enough, PostgreSQL may end both.
    expect(attempts).toBeGreaterThanOrEqual(3);
    const rows = await database.query((db) => db.select().from(setupToken));
    const crossed = rows.filter(({ hash }) => hash === 'a' || hash === 'b').map(({ expiresAt }) => expiresAt);
    expect(crossed.toSorted((a, b) => a - b)).toEqual([3, 4]);
  });
});

describe('a database that is away', () => {
  it('fails with DATABASE, retryable, and works again by itself when its connections were killed', async () => {
    const mine = createDatabase({ url: fixture.url, poolSize: 3 });
    try {
      const asleep = mine.query((db) => db.execute(sql`SELECT pg_sleep(30)`));
      const inside = mine.transaction((tx) => tx.db.execute(sql`SELECT pg_sleep(30)`));
      const outcome = Promise.allSettled([asleep, inside]);
      await expect
        .poll(async () => {
          const rows =
            await fixture.sql`SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid() AND datname = current_database() AND state = 'active'`;
          return rows.length;
        })
        .toBe(2);
      await fixture.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()`;
      for (const result of await outcome) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DATABASE' } });
      }
      expect(await mine.query((db) => db.select({ isOnly: auditTail.isOnly }).from(auditTail))).toEqual([
        { isOnly: true },
      ]);
    } finally {
      await mine.close();
    }
  });

  it('fails with DATABASE when the driver begins on a connection that others use, and leaves nothing begun', async () => {
    await expect(database.query((db) => db.execute(sql`BEGIN`))).rejects.toMatchObject({ code: 'DATABASE' });
    await waitFor('the connection is given up', async () => {
      const [open] = await fixture.sql`
        SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'`;
      return open?.['n'] === 0;
    });
    await database.query((db) => db.insert(setupToken).values(token('after a lost begin')));
    expect((await fixture.sql`SELECT FROM setup_token WHERE hash = 'after a lost begin'`).length).toBe(1);
  });

  it('fails with DATABASE when there is no server at the address', async () => {
    const nowhere = createDatabase({ url: 'postgres://x:y@localhost:1/z?host=/nonexistent' });
    await expect(nowhere.query((db) => db.execute(sql`SELECT 1`))).rejects.toMatchObject({ code: 'DATABASE' });
    await expect(nowhere.transaction((tx) => tx.db.execute(sql`SELECT 1`))).rejects.toMatchObject({ code: 'DATABASE' });
    await nowhere.close();
  });

  it('leaves a fault of ours what it is: a broken statement is not a database that is away', async () => {
    await expect(database.query((db) => db.execute(sql`SELECT nothing FROM nowhere`))).rejects.not.toMatchObject({
      code: 'DATABASE',
    });
  });
});

describe('migrateDatabase', () => {
  it('may run by several controllers at once and again later without effect', async () => {
    await Promise.all([migrateDatabase(fixture.url), migrateDatabase(fixture.url), migrateDatabase(fixture.url)]);
    const rows = await fixture.sql`SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations`;
    expect(rows[0]?.['n']).toBeGreaterThanOrEqual(5);
  });
});
