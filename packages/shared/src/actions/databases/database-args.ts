import Type from 'typebox';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { checkAccountName } from '../params.ts';
import { refuse, type Planner } from '../planner.ts';
import type { DatabaseEngine, DatabaseFacts, DatabasePlace } from './database-host.ts';

/**
 * Arguments of the actions on databases. A name has exactly one underscore, between account and rest: in GRANT an
 * underscore is a wildcard, and a user of `ab__1` read `abc_1` of somebody else where scripts did not escape it.
 */
export const Engine = Type.Union([Type.Literal('mariadb'), Type.Literal('postgresql')], {
  title: 'Server',
  description: 'mariadb or postgresql',
});
/** 57 characters, so that the copy beside it, the old one and the owner's role fit into 63 and 64. */
export const DatabaseName = Type.String({
  pattern: '^[a-z][a-z0-9]{2,15}_[a-z0-9]{1,40}$',
  maxLength: 57,
  title: 'Database',
  description: 'Account, one underscore, letters and digits: w4a100010_shop',
});
export const DatabaseUser = Type.String({
  pattern: '^[a-z][a-z0-9]{2,15}_[a-z0-9]{1,15}$',
  maxLength: 32,
  title: 'Database user',
  description: 'Account, one underscore, letters and digits, at most 32',
});
export const DatabaseHost = Type.String({
  pattern: '^(?:localhost|(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\\.){3}(?:%|25[0-5]|2[0-4][0-9]|1?[0-9]{1,2}))$',
  maxLength: 15,
  title: 'From',
  description: 'MariaDB only: localhost, an address, or a net such as 10.1.2.%; default localhost',
});
/** Never the password itself: it would be seen in logs, journals and the list of processes. */
export const PasswordHash = Type.String({
  pattern:
    '^(?:\\*[0-9A-F]{40}|SCRAM-SHA-256\\$[1-9][0-9]{3,6}:[A-Za-z0-9+/]{16,64}={0,2}\\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=)$',
  maxLength: 200,
  title: 'Hash of the password',
  description: 'MariaDB: * and 40 hex digits. PostgreSQL: a SCRAM-SHA-256 verifier',
});
export const DumpLabel = Type.String({
  pattern: '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$',
  maxLength: 40,
  title: 'Label',
  description: 'Names the dump: lower-case letters, digits, dashes',
});
export const Rights = Type.Union([Type.Literal('all'), Type.Literal('read')], {
  title: 'Rights',
  description: 'all, or read (MariaDB only)',
});
export const MaxConnections = Type.Integer({
  minimum: 1,
  maximum: 1000,
  title: 'Connections',
  description: 'At a time; default 30',
});

export const PlaceArgs = Type.Object({ engine: Engine, name: DatabaseName }, { additionalProperties: false });
export const DumpArgs = Type.Object(
  { engine: Engine, name: DatabaseName, label: DumpLabel },
  { additionalProperties: false },
);

interface UserArgs {
  readonly engine: DatabaseEngine;
  readonly user: string;
  readonly host?: string;
}

export const placeId = ({ engine, name }: DatabasePlace): string => `${engine}/${name}`;
/** The user as the server knows it. */
export const loginOf = ({ engine, user, host }: UserArgs): string =>
  engine === 'mariadb' ? `${user}@${host ?? 'localhost'}` : user;
export const userId = (args: UserArgs): string => `${args.engine}/${loginOf(args)}`;
export const grantId = (args: UserArgs & DatabasePlace): string => `${placeId(args)}/${loginOf(args)}`;
const accountOf = (name: string): string => name.split('_')[0] ?? '';

export const placeLocks = ({ name }: { readonly name: string }): readonly string[] => [`db:${name}`];
export const userLocks = ({ user }: { readonly user: string }): readonly string[] => [`db-user:${user}`];

/** Names of databases of MariaDB that look like those of an account. */
const SERVERS_OWN: readonly string[] = ['information_schema', 'performance_schema'];

type Normalised<A> = { readonly ok: true; readonly args: A } | { readonly ok: false; readonly problem: string };

/** What a pattern can not say: reserved accounts, and what belongs to the other engine. */
export function normaliseDatabase<
  A extends Partial<DatabasePlace> & Partial<UserArgs> & { passwordHash?: string; rights?: string },
>(args: A): Normalised<A> {
  const isMaria = args.engine === 'mariadb';
  for (const name of [args.name, args.user]) {
    const problem = name === undefined ? null : checkAccountName(accountOf(name));
    if (problem !== null) return { ok: false, problem };
  }
  if (args.name !== undefined && SERVERS_OWN.includes(args.name))
    return { ok: false, problem: `${args.name} belongs to the server itself.` };
  if (!isMaria && args.host !== undefined)
    return { ok: false, problem: 'From where a user of PostgreSQL may come is said in pg_hba.conf: leave host out.' };
  if (!isMaria && args.rights === 'read') return { ok: false, problem: 'For PostgreSQL rights can only be all.' };
  if (args.passwordHash !== undefined && args.passwordHash.startsWith('*') !== isMaria)
    return {
      ok: false,
      problem: isMaria
        ? 'passwordHash must be * and 40 hex digits for MariaDB.'
        : 'passwordHash must be a SCRAM-SHA-256 verifier for PostgreSQL.',
    };
  return { ok: true, args };
}

/** Facts of a database that is there; else the plan is refused. */
export async function knownDatabase(planner: Planner, place: DatabasePlace): Promise<DatabaseFacts> {
  const { engine, name } = place;
  const facts = await planner.host.queries.ask('database.facts', { engine, name, which: 'live' });
  return facts ?? refuse(`there is no database ${name} of hosting in ${engine} on this node`);
}

export async function verifyPassword(host: Host, id: string, passwordHash: string): Promise<readonly Verified[]> {
  const now = await host.resources.read('database.user', id);
  const isSame = now?.passwordHash === passwordHash;
  return [{ name: 'The server has that password', ok: isSame, saw: now === null ? 'no such user' : String(isSame) }];
}
