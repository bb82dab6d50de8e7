import type { PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import { isRetryableTransaction, toDatabaseError } from './database-error.ts';

/** What both a connection and a transaction can do. */
export type Queries = PgDatabase<PostgresJsQueryResultHKT>;

/**
 * One transaction. Services pass it on without looking inside; repositories use `db`.
 * A service that reads and writes in several features opens it once and hands it to each.
 */
export interface Tx {
  readonly db: Queries;
  /**
   * A statement that is on its way and whose answer is not needed here: awaited before the commit. Several go out in
   * one write. They may not depend on each other's order.
   */
  also(statement: Promise<unknown>): void;
  /** Runs last before the commit, in the order given: for what locks a row that everybody wants (the audit tail). */
  beforeCommit(work: () => Promise<void>): void;
  /** Runs after the commit, never after a rollback: for telling others. Must not throw. */
  afterCommit(work: () => void): void;
}

/** Runs `work` in a transaction; DATABASE (retryable) when the server is away, any other error rolls back and is thrown on. */
export type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

const ATTEMPTS = 4;

async function runInOrder(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}

/**
 * Deadlocks and serialization failures run the work again, so it must have no effect outside of the transaction.
 * @param begin runs work between BEGIN and COMMIT; ROLLBACK when it fails
 */
export function createTransact(begin: <T>(work: (db: Queries) => Promise<T>) => Promise<T>): Transact {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      const before: (() => Promise<void>)[] = [];
      const sent: Promise<unknown>[] = [];
      const after: (() => void)[] = [];
      try {
        const result = await begin(async (db) => {
          const value = await work({
            db,
            also: (statement) => {
              // Awaited below; a failure before that must not count as unhandled.
              statement.catch(() => undefined);
              sent.push(statement);
            },
            beforeCommit: (step) => void before.push(step),
            afterCommit: (step) => void after.push(step),
          });
          await Promise.all([...sent, runInOrder(before)]);
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
