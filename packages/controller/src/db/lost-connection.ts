import type postgres from 'postgres';
import { isConnectionLost } from './database-error.ts';

/**
 * postgres.js 3.4.9 has two faults when a connection dies (PostgreSQL killed or restarted), both seen in our tests:
 * a statement given to the dead connection of a transaction, its own ROLLBACK included, throws inside a timer and
 * would end the process; and a connection that died with bytes not yet written never sends again. So nothing is
 * sent to a lost transaction (below), and a pool that lost a connection is replaced as a whole (database.ts).
 */
type Work = (scoped: postgres.TransactionSql) => Promise<unknown>;

/** Time in which a server that said that it ends the connection closes it. */
const CLOSES_WITHIN_MS = 5_000;

class TransactionLost extends Error {
  readonly code = 'CONNECTION_CLOSED';
}

/** The client with a `begin` that survives the loss of its connection; everything else is the client's own. */
export function surviveLostConnections(client: postgres.Sql): postgres.Sql {
  const begin = async (work: Work): Promise<unknown> => {
    let isLost = false;
    let tellLost: () => void = () => undefined;
    const lost = new Promise<void>((done) => {
      tellLost = done;
    });
    const outcome = client.begin(async (scoped) => {
      const guarded = new Proxy(scoped, {
        get: (target, name, receiver): unknown => {
          if (name === 'unsafe' && isLost) throw new TransactionLost('the connection of this transaction is gone');
          return Reflect.get(target, name, receiver);
        },
      });
      try {
        const value = await work(guarded);
        if (!isLost) return value;
      } catch (error) {
        if (!isLost && isConnectionLost(error)) await Promise.race([lost, closesWithin()]);
        if (!isLost) throw error;
      }
      // `begin` has failed by itself already. To end here would make it send COMMIT or ROLLBACK to nobody.
      return new Promise<never>(() => undefined);
    });
    outcome.catch(() => {
      isLost = true;
      tellLost();
    });
    return outcome;
  };
  return new Proxy(client, {
    get: (target, name, receiver): unknown => (name === 'begin' ? begin : Reflect.get(target, name, receiver)),
  });
}

function closesWithin(): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, CLOSES_WITHIN_MS).unref();
  });
}
