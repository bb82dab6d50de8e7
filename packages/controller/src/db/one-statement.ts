import { sql, type SQL, type SQLWrapper } from 'drizzle-orm';

/** A write that returns at least one column for each row that it touches. */
export interface Write extends SQLWrapper, PromiseLike<unknown> {}

/**
 * Several writes as one statement, so that they cost one round trip and commit together. All see the database as it was
 * before; a later one may use what an earlier one returned, by its name. Locks are taken in the order in which they
 * depend on each other, and `last` is evaluated when all writes are done: once, and only when the first touched a row.
 */
export function oneStatement(writes: ReadonlyMap<string, SQLWrapper>, last: SQL): SQL {
  const names = [...writes.keys()];
  const parts = [...writes].map(([name, write]) => sql`${sql.identifier(name)} AS ${write}`);
  // Counted, so that each is carried out before the row of the outer query exists.
  const counts = names.map(
    (name) => sql`(SELECT count(*) AS n FROM ${sql.identifier(name)}) AS ${sql.identifier(`${name}_rows`)}`,
  );
  const [first = ''] = names;
  return sql`WITH ${sql.join(parts, sql`, `)} SELECT ${last} AS last FROM ${sql.join(counts, sql`, `)} WHERE ${sql.identifier(`${first}_rows`)}.n > 0`;
}
