import { sql, type SQL } from 'drizzle-orm';
import type { PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import { isRetryableTransaction, toDatabaseError } from './database-error.ts';
import { oneStatement, type Write } from './one-statement.ts';

/** What both a connection and a transaction can do. */
export type Queries = PgDatabase<PostgresJsQueryResultHKT>;

/**
 * One transaction. Services pass it on without looking inside; repositories use `db`.
 * A service that reads and writes in several features opens it once and hands it to each.
 */
export interface Tx {
  readonly db: Queries;
  /**
   * A write whose answer is not needed here: awaited before the commit. Several go out together, so they may not depend
   * on each other's order. @param name of its own in this transaction: a word in lower case
   */
  write(name: string, build: (db: Queries) => Write): void;
  /** Evaluated last before the commit: for what locks a row that everybody wants (the audit tail). */
  lastly(expression: () => SQL): void;
  /** Runs after the commit, never after a rollback: for telling others. Must not throw. */
  afterCommit(work: () => void): void;
}

/** Runs `work` in a transaction; DATABASE (retryable) when the server is away, any other error rolls back and is thrown on. */
export type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/**
 * A transaction that only writes, as one statement: the fastest way to store. `work` calls `write` at least once and may
 * not touch `db`. False: the first write touched no row, and nothing was written (what follows has to depend on it).
 */
export type Together = (work: (tx: Tx) => void) => Promise<boolean>;

const ATTEMPTS = 4;

type Expressions = readonly (() => SQL)[];

async function evaluate(db: Queries, expressions: Expressions): Promise<void> {
  for (const expression of expressions) await db.execute(sql`SELECT ${expression()}`);
}

/**
 * Deadlocks and serialization failures run the work again, so it must have no effect outside of the transaction.
 * @param begin runs work between BEGIN and COMMIT; ROLLBACK when it fails
 */
export function createTransact(begin: <T>(work: (db: Queries) => Promise<T>) => Promise<T>): Transact {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      const last: (() => SQL)[] = [];
      const sent: Promise<unknown>[] = [];
      const after: (() => void)[] = [];
      try {
        const result = await begin(async (db) => {
          const value = await work({
            db,
            write: (_name, build) => {
              const statement = Promise.resolve(build(db));
              // Its failure is not lost: it is awaited before the commit, and where `work` throws before that, the driver
              // ends the transaction with the first failed statement. Unheard until then it would end the process.
              statement.catch(() => undefined);
              sent.push(statement);
            },
            lastly: (expression) => void last.push(expression),
            afterCommit: (step) => void after.push(step),
          });
          await Promise.all([...sent, evaluate(db, last)]);
          return value;
        });
        for (const step of after) step();
        return result;
      } catch (error) {
        if (attempt < ATTEMPTS && isRetryableTransaction(error)) continue;
        throw toDatabaseError(error);
      }
    }
  };
}

/** @param execute runs one statement by itself; the rows of its answer */
export function createTogether(execute: (build: (db: Queries) => SQL) => Promise<number>): Together {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      const builds = new Map<string, (db: Queries) => Write>();
      const last: (() => SQL)[] = [];
      const after: (() => void)[] = [];
      work({
        get db(): Queries {
          throw new TypeError('what is written together cannot read');
        },
        write: (name, build) => void builds.set(name, build),
        lastly: (expression) => void last.push(expression),
        afterCommit: (step) => void after.push(step),
      });
      try {
        const rows = await execute((db) => {
          const writes = new Map([...builds].map(([name, build]) => [name, build(db)]));
          return oneStatement(
            writes,
            sql`ROW(${sql.join(
              last.map((expression) => expression()),
              sql`, `,
            )})`,
          );
        });
        if (rows === 0) return false;
        for (const step of after) step();
        return true;
      } catch (error) {
        if (attempt < ATTEMPTS && isRetryableTransaction(error)) continue;
        throw toDatabaseError(error);
      }
    }
  };
}
