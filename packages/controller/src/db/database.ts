import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { isConnectionLost, isRetryableTransaction, toDatabaseError } from './database-error.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { createGate, type Gate } from './gate.ts';
import { surviveLostConnections } from './lost-connection.ts';
import { preferPrepared } from './prepared-statements.ts';
import { createTogether, createTransact, type Queries, type Together, type Transact } from './transaction.ts';

export interface Database {
  /** One or more statements outside of a transaction. DATABASE (retryable) while the server is away. */
  query<T>(work: (db: Queries) => PromiseLike<T>): Promise<T>;
  readonly transaction: Transact;
  readonly together: Together;
  /** Ends all connections; statements that run get 5 s. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Most connections at once, not less than 4; default 10. */
  readonly poolSize?: number;
}

/** Least wait before a new attempt to connect: a restarted server is found again at once, a dead one costs little. */
const RECONNECT_MS = 100;
/** One that nobody uses is given back to the server. */
const IDLE_S = 60;
/** Connections of each kind: to a pool of one the driver lets a statement begin what nobody commits. */
const LEAST = 2;

export function connectPostgres(options: DatabaseOptions): postgres.Sql {
  return postgres({
    ...parseDatabaseUrl(options.url),
    max: options.poolSize ?? 10,
    connect_timeout: 5,
    idle_timeout: IDLE_S,
    // Grows to 1 s; requests meanwhile fail after the connect attempt that they wait for.
    backoff: (retries) => Math.min(RECONNECT_MS * 2 ** Math.min(retries, 4), 1000) / 1000,
    onnotice: () => undefined,
    // The driver asks for array types at each connect and throws the loss of that question where nobody can catch it.
    fetch_types: false,
    connection: {
      application_name: 'hauban-controller',
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      idle_in_transaction_session_timeout: 60_000,
    },
  });
}

/**
 * Opens no connection yet: the first statement does. A server that is killed and comes back is found again. Transactions
 * and single statements have connections of their own, so that a statement that is needed inside of a transaction never
 * waits for another transaction to end.
 */
export function createDatabase(options: DatabaseOptions): Database {
  const size = options.poolSize ?? 10;
  const forStatements = Math.max(LEAST, Math.floor(size * 0.4));
  const statements = createPart({ ...options, poolSize: forStatements });
  const transactions = createPart({ ...options, poolSize: Math.max(LEAST, size - forStatements) });
  return {
    query: (work) => statements.use(async (db) => await work(db)),
    transaction: createTransact((work) => transactions.use((db) => db.transaction(work))),
    together: createTogether((build) => statements.use(async (db) => (await db.execute(build(db))).length)),
    close: async () => {
      await Promise.all([statements.close(), transactions.close()]);
    },
  };
}

interface Pool {
  readonly client: postgres.Sql;
  readonly db: PostgresJsDatabase;
}

/** Connections of one kind. */
interface Part {
  use<T>(work: (db: PostgresJsDatabase) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

function openPool(options: DatabaseOptions): Pool {
  const client = connectPostgres(options);
  return { client, db: drizzle({ client: preferPrepared(surviveLostConnections(client)) }) };
}

function createPart(options: DatabaseOptions & { readonly poolSize: number }): Part {
  const gate: Gate = createGate(options.poolSize);
  let pool = openPool(options);
  let isClosed = false;

  /** After a loss the next statement gets a new pool; what still runs in the old one ends with an error. */
  const judge = (error: unknown, used: Pool): unknown => {
    if (isConnectionLost(error) && used === pool && !isClosed) {
      pool = openPool(options);
      void used.client.end({ timeout: 1 });
    }
    return isRetryableTransaction(error) ? error : toDatabaseError(error);
  };

  return {
    use: (work) =>
      gate.enter(async () => {
        const used = pool;
        try {
          return await work(used.db);
        } catch (error) {
          throw judge(error, used);
        }
      }),
    close: async () => {
      isClosed = true;
      await pool.client.end({ timeout: 5 });
    },
  };
}
