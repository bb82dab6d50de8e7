import type postgres from 'postgres';

/**
 * Drizzle hands each statement to postgres.js as one that is not prepared, and then the driver asks the server for the
 * types of its parameters first: two round trips and a new plan every time. As prepared statements the same texts
 * cost one round trip and are planned once a connection. `?prepare=false` in the database's URL turns it off, for a pooler
 * that cannot do it.
 */

/** Statements with lists of values have as many texts as lengths: long ones are rare and not worth the server's memory. */
const MOST_PARAMETERS = 64;
/** Texts in all; each costs the server some 20 KB a connection. */
const MOST_TEXTS = 400;

type Unsafe = postgres.Sql['unsafe'];
type Begin = (work: (scoped: postgres.TransactionSql) => Promise<unknown>) => Promise<unknown>;

/** Which statements are worth it: the first texts that come, up to a limit. */
export function createPreparedChoice(): (text: string, parameters: number) => boolean {
  const texts = new Set<string>();
  return (text, parameters) => {
    if (parameters === 0 || parameters > MOST_PARAMETERS) return false;
    if (texts.has(text)) return true;
    if (texts.size >= MOST_TEXTS) return false;
    texts.add(text);
    return true;
  };
}

/** The client with `unsafe`, also in its transactions, that prepares; everything else is the client's own. */
export function preferPrepared(client: postgres.Sql): postgres.Sql {
  const isWorthIt = createPreparedChoice();
  const wrap = <Client extends postgres.Sql | postgres.TransactionSql>(inner: Client, begin?: Begin): Client =>
    new Proxy(inner, {
      get: (target, name, receiver): unknown => {
        if (name === 'begin' && begin !== undefined) return begin;
        const own: unknown = Reflect.get(target, name, receiver);
        if (name !== 'unsafe') return own;
        const unsafe: Unsafe = (text, parameters = [], options = {}) =>
          (own as Unsafe)(text, parameters, { ...options, prepare: isWorthIt(text, parameters.length) });
        return unsafe;
      },
    });
  const begin: Begin = async (work) => client.begin(async (scoped) => work(wrap(scoped)));
  return wrap(client, begin);
}
