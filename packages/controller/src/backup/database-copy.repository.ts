import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sql, TransactionSql } from 'postgres';
import { HaubanError } from '@hauban/shared/errors';
import { connectPostgres } from '../db/database.ts';
import type { Manifest, TableHead } from './backup-entries.ts';

/**
 * The rows of a database as PostgreSQL's own COPY gives and takes them: out in one repeatable-read transaction, so that
 * running writes are in it whole or not at all; in within one transaction, so that a restore happens whole or not at all.
 */
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const columnsOf = ({ columns }: TableHead): string => columns.map(quote).join(', ');

/** Tables that rows are in, partitioned ones as a whole. */
async function readTables(sql: TransactionSql): Promise<TableHead[]> {
  const rows = await sql<{ name: string; columns: string }[]>`
    SELECT c.relname AS name, string_agg(a.attname, ',' ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.relname ORDER BY c.relname`;
  return rows.map(({ name, columns }) => ({ is: 'table', name, columns: columns.split(',') }));
}

async function readMigrations(sql: TransactionSql): Promise<string[]> {
  const rows = await sql<{ hash: string }[]>`SELECT hash FROM drizzle.__drizzle_migrations ORDER BY created_at, id`;
  return rows.map(({ hash }) => hash);
}

async function readManifest(sql: TransactionSql, madeAt: number): Promise<Manifest> {
  const [owner] = await sql<{ id: string }[]>`SELECT id::text FROM controller`;
  if (owner === undefined)
    throw new HaubanError(
      'CONFLICT',
      'This database has never been used by a controller: there is nothing to back up.',
    );
  const partitions = await sql<Manifest['partitions'][number][]>`
    SELECT c.relname AS name, p.relname AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname`;
  const names = await sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace ORDER BY relname`;
  const sequences = await Promise.all(
    names.map(async ({ name }) => {
      const [row] = await sql.unsafe<{ last: string; isCalled: boolean }[]>(
        `SELECT last_value::text AS last, is_called AS "isCalled" FROM ${quote(name)}`,
      );
      return { name, last: row?.last ?? '1', isCalled: row?.isCalled ?? false };
    }),
  );
  const migrations = await readMigrations(sql);
  return { is: 'manifest', controllerId: owner.id, madeAt, migrations, partitions: [...partitions], sequences };
}

const unlimited = (sql: TransactionSql): Promise<unknown> =>
  sql`SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '60000', true)`;

async function withClient<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = connectPostgres({ url, poolSize: 1 });
  try {
    return await work(client);
  } finally {
    await client.end({ timeout: 5 });
  }
}

interface CopyOut {
  manifest(manifest: Manifest): void;
  table(head: TableHead): void;
  data(bytes: Uint8Array): void;
}

/** Gives everything, the manifest first. */
export const copyDatabaseOut = (url: string, madeAt: number, to: CopyOut): Promise<void> =>
  withClient(url, async (client) => {
    await client.begin('isolation level repeatable read read only', async (sql) => {
      await unlimited(sql);
      to.manifest(await readManifest(sql, madeAt));
      for (const head of await readTables(sql)) {
        to.table(head);
        const rows = await sql.unsafe(`COPY (SELECT ${columnsOf(head)} FROM ${quote(head.name)}) TO STDOUT`).readable();
        for await (const bytes of rows as AsyncIterable<Buffer>) to.data(bytes);
        // postgres.js 3.4.9 pauses its socket when the stream is full and goes on when it is read: never, when its end
        // was in it by then, so that the next statement would wait for ever. The stream's own `_read` is what goes on.
        rows._read(0);
      }
    });
  });

/** Rows here are of a controller that was used; the migrations themselves fill some of the other tables. */
const USED = ['controller', 'person', 'node', 'audit_entry'] as const;

async function checkTarget(sql: TransactionSql, { migrations }: Manifest, replaces: boolean): Promise<TableHead[]> {
  const ours = await readMigrations(sql);
  if (ours.length !== migrations.length || ours.some((hash, at) => hash !== migrations[at]))
    throw new HaubanError(
      'BACKUP_DAMAGED',
      'This backup was made by another version: restore it with that version of hauban-controller, and upgrade then.',
    );
  for (const name of USED) {
    const [row] = await sql.unsafe(`SELECT 1 FROM ${quote(name)} LIMIT 1`);
    if (row !== undefined && !replaces)
      throw new HaubanError(
        'CONFLICT',
        `The database is not empty (table ${name}): restore into an empty one, or say --replace to lose what is there.`,
      );
  }
  return await readTables(sql);
}

/** Foreign keys would refuse rows that come before those they name; they are checked when they are put back. */
async function withoutForeignKeys(sql: TransactionSql, work: () => Promise<void>): Promise<void> {
  const keys = await sql<{ table: string; name: string; says: string }[]>`
    SELECT t.relname AS table, k.conname AS name, pg_get_constraintdef(k.oid) AS says
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relnamespace = 'public'::regnamespace ORDER BY t.relname, k.conname`;
  for (const key of keys) await sql.unsafe(`ALTER TABLE ${quote(key.table)} DROP CONSTRAINT ${quote(key.name)}`);
  await work();
  for (const key of keys)
    await sql.unsafe(`ALTER TABLE ${quote(key.table)} ADD CONSTRAINT ${quote(key.name)} ${key.says}`);
}

interface CopyIn {
  readonly manifest: Manifest;
  /** What is there is lost. */
  readonly replaces: boolean;
  /** One table after the other. */
  readonly tables: Iterable<{ readonly head: TableHead; readonly rows: Iterable<Buffer> }>;
}

async function copyTable(sql: TransactionSql, head: TableHead, rows: Iterable<Buffer>): Promise<void> {
  const into = await sql.unsafe(`COPY ${quote(head.name)} (${columnsOf(head)}) FROM STDIN`).writable();
  await pipeline(Readable.from(rows, { objectMode: false }), into);
}

/** Everything or nothing. CONFLICT when the database is not empty, BACKUP_DAMAGED when its tables are other ones. */
export const copyDatabaseIn = (url: string, { manifest, replaces, tables }: CopyIn): Promise<void> =>
  withClient(url, async (client) => {
    await client.begin(async (sql) => {
      await unlimited(sql);
      const ours = await checkTarget(sql, manifest, replaces);
      const names = ours.map(({ name }) => quote(name));
      for (const name of names) await sql.unsafe(`ALTER TABLE ${name} DISABLE TRIGGER USER`);
      await sql.unsafe(`TRUNCATE ${names.join(', ')}`);
      for (const { name, parent, bound } of manifest.partitions)
        await sql.unsafe(`CREATE TABLE IF NOT EXISTS ${quote(name)} PARTITION OF ${quote(parent)} ${bound}`);
      await withoutForeignKeys(sql, async () => {
        for (const { head, rows } of tables) {
          if (!ours.some(({ name }) => name === head.name))
            throw new HaubanError('BACKUP_DAMAGED', `The backup holds a table ${head.name} that is not known here.`);
          await copyTable(sql, head, rows);
        }
      });
      for (const { name, last, isCalled } of manifest.sequences)
        await sql`SELECT setval(${quote(name)}::regclass, ${last}::bigint, ${isCalled})`;
      for (const name of names) await sql.unsafe(`ALTER TABLE ${name} ENABLE TRIGGER USER`);
    });
  });
