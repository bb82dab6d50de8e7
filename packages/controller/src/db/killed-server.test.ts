import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@hauban/shared/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../../test/support/postgres-server.ts';
import { createDatabase, type Database } from './database.ts';
import { migrateDatabase } from './migrate.ts';
import { setupToken } from './schema/people.ts';

const KILLS = 6;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

interface Work {
  readonly kept: Set<string>;
  readonly codes: Set<string>;
  done: number;
}

/** Writes pairs of rows in transactions, one after the other, until it is told to stop. */
async function write(database: Database, name: string, work: Work, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); n += 1) {
    const pair = [`${name}-${n}-a`, `${name}-${n}-b`];
    try {
      await database.transaction(async (tx) => {
        for (const hash of pair) await tx.db.insert(setupToken).values({ hash, createdAt: 0, expiresAt: 0 });
      });
      for (const hash of pair) work.kept.add(hash);
      work.done += 1;
    } catch (error) {
      work.codes.add((error as { code?: string }).code ?? String(error));
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
}

describe('PostgreSQL killed with -9 in the middle of transactions, and started again', () => {
  it('costs the requests of that moment, nothing else: no acknowledged row is lost, no transaction is half there', async () => {
    const seed = Number(process.env['HAUBAN_SEED'] ?? 7);
    const random = new SeededRandom(seed);
    const folder = await mkdtemp(join(tmpdir(), 'hauban-killed-'));
    await chmod(folder, 0o711);
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const options = { dataDir: join(folder, 'pg') };
    let server: EmbeddedPostgres = await startEmbeddedPostgres(options);
    cleanUps.push(() => server.stop());
    await migrateDatabase(server.url);
    const database = createDatabase({ url: server.url, poolSize: 5 });
    cleanUps.push(() => database.close());

    const work: Work = { kept: new Set(), codes: new Set(), done: 0 };
    let isOver = false;
    const writers = Array.from({ length: 8 }, (_, n) => write(database, `w${n}`, work, () => isOver));
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = work.done;
      // After some work, at a moment that the seed chooses.
      await expect.poll(() => work.done - before, { timeout: 30_000 }).toBeGreaterThan(20 + random.below(60));
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      server = await startEmbeddedPostgres(options);
    }
    isOver = true;
    await Promise.all(writers);
    const rows = new Set((await database.query((db) => db.select().from(setupToken))).map(({ hash }) => hash));
    expect(
      [...work.kept].filter((hash) => !rows.has(hash)),
      `seed ${seed}`,
    ).toEqual([]);
    const halves = [...rows].filter(
      (hash) => !rows.has(hash.endsWith('a') ? hash.replace(/a$/, 'b') : hash.replace(/b$/, 'a')),
    );
    expect(halves, `seed ${seed}`).toEqual([]);
    // A commit whose answer was lost is there already when it is looked for; the writer counts on, so no name repeats.
    expect([...work.codes], `seed ${seed}`).toEqual(['DATABASE']);
  }, 120_000);
});
