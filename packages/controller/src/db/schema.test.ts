import { is } from 'drizzle-orm/entity';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import * as schema from './schema/index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const exported: readonly unknown[] = Object.values(schema);
const tables = exported.filter((value) => is(value, PgTable));
/** PostgreSQL's name of a type as drizzle writes it. */
const typeOf = (type: string, udt: string): string =>
  type === 'ARRAY' ? `${udt.slice(1)}[]` : type === 'boolean' || type === 'integer' ? type : udt;
const NAMES: Readonly<Record<string, string>> = { int8: 'bigint', float8: 'double precision', int2: 'smallint' };

describe('tables and migrations', () => {
  it('agree on every table, column, type and null', async () => {
    const rows = await database.sql`
      SELECT table_name, column_name, data_type, udt_name, is_nullable FROM information_schema.columns
      WHERE table_schema = 'public' ORDER BY table_name, column_name`;
    const inDatabase = rows.map((row) => {
      const type = typeOf(row['data_type'] as string, row['udt_name'] as string);
      return `${row['table_name']}.${row['column_name']} ${NAMES[type] ?? type} ${row['is_nullable'] === 'YES' ? 'null' : 'not null'}`;
    });
    const inCode = tables.flatMap((table) => {
      const { name, columns, primaryKeys } = getTableConfig(table);
      const keys = new Set(primaryKeys.flatMap((key) => key.columns.map((column) => column.name)));
      return columns.map(
        (column) =>
          `${name}.${column.name} ${column.getSQLType()} ${column.notNull || keys.has(column.name) ? 'not null' : 'null'}`,
      );
    });
    const known = new Set(tables.map((table) => getTableConfig(table).name));
    // Partitions are made by code as days come; their parent is in both lists.
    const partitions = await database.sql`SELECT inhrelid::regclass::text AS name FROM pg_inherits`;
    const children = new Set(partitions.map((row) => row['name'] as string));
    expect(inDatabase.filter((line) => !children.has(line.split('.')[0] ?? '')).toSorted()).toEqual(inCode.toSorted());
    expect(known.size).toBeGreaterThan(10);
  });
});
