import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-pgtest-'));
  await chmod(folder, 0o711);
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir });
  cleanUps.push(() => server.stop());
  return server;
}

async function query<T>(server: EmbeddedPostgres, text: string): Promise<T[]> {
  const url = new URL(server.url);
  const sql = postgres({
    host: url.searchParams.get('host') ?? '',
    port: Number(url.port),
    user: url.username,
    password: url.password,
    database: url.pathname.slice(1),
    max: 1,
  });
  try {
    return (await sql.unsafe(text)) as unknown as T[];
  } finally {
    await sql.end();
  }
}

describe('startEmbeddedPostgres', () => {
  it('keeps data over a stop, a kill -9, a left-over server and a pid that now is a stranger', async () => {
    const dataDir = join(await makeFolder(), 'pg');
    const first = await start(dataDir);
    expect(
      await query(
        first,
        "SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS tcp, current_setting('server_encoding') AS encoding",
      ),
    ).toEqual([{ fsync: 'on', tcp: '', encoding: 'UTF8' }]);
    await query(first, 'CREATE TABLE kept (n int)');
    await query(first, 'INSERT INTO kept VALUES (1)');
    await first.stop();
    await first.stop();

    const second = await start(dataDir);
    expect(second.url).toBe(first.url);
    await query(second, 'INSERT INTO kept VALUES (2)');
    process.kill(second.pid, 'SIGKILL');
    await second.exited;

    const third = await start(dataDir);
    await query(third, 'INSERT INTO kept VALUES (3)');
    // The launcher of the third was killed; the next one finds its server still running.
    const fourth = await start(dataDir);
    await third.exited;
    expect(await query(fourth, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await fourth.stop();

    await writeFile(
      join(dataDir, 'cluster', 'postmaster.pid'),
      `${process.pid}\n${dataDir}/cluster\n0\n5432\n\n\n\nready   \n`,
    );
    const fifth = await start(dataDir);
    expect(await query(fifth, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 3 }]);
  });

  it('keeps its password readable by the owner only and refuses a wrong one', async () => {
    const dataDir = join(await makeFolder(), 'pg');
    const server = await start(dataDir);
    expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600);
    const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim();
    const wrong = { ...server, url: server.url.replace(password, 'wrong') };
    await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it.runIf(process.getuid?.() === 0)(
    'says which folder is closed when PostgreSQL\u2019s account cannot reach the data',
    async () => {
      const closed = join(await makeFolder(), 'closed');
      await mkdir(closed, { mode: 0o700 });
      await expect(startEmbeddedPostgres({ dataDir: join(closed, 'pg') })).rejects.toMatchObject({
        code: 'CONFIG_BAD',
        detail: expect.stringContaining(closed) as unknown,
      });
    },
  );
});
