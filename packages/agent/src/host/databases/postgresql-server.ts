import type { DatabaseFacts } from '@hauban/shared/actions';
import { readdir } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { createAccounts } from '../accounts.ts';
import type { DriverParts } from '../drivers.ts';
import { runProgram, saidBy } from '../run-program.ts';
import { errorCode } from '../safe-path.ts';
import { isDatabaseName, oldOf, sideOf, USER_NAME, type DatabaseServer } from './database-server.ts';
import { postgresqlName as ident, postgresqlText as text, wholeNumber } from './sql-text.ts';
import { removeWorkerFile, workerUser, writeWorkerLogin } from './worker-login.ts';

const SOCKET_FOLDER = '/var/run/postgresql';
const DATA_FOLDER = '/var/lib/postgresql';
const TIMEOUT_MS = 120_000;
/** Documented exit status of psql for a connection that did not stand. */
const NO_SERVER = 2;
/** A customer's database may hold functions and operators under any name: only the server's own are found. */
const OWN_NAMES_ONLY = "SELECT pg_catalog.set_config('search_path', '', false) \\g /dev/null\n";

/** Debian's /usr/bin/psql is a script that chooses a server by files and variables; the program itself is asked here. */
async function findPrograms(): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const newest = versions
    .filter((version) => /^[0-9]{2}$/.test(version))
    .sort()
    .at(-1);
  if (newest === undefined) throw new HaubanError('ACTION_REFUSED', 'PostgreSQL is not installed on this node');
  return `/usr/lib/postgresql/${newest}/bin`;
}

type Ask = (sql: string, database?: string) => Promise<readonly (readonly string[])[]>;

/** As the server's own user, who is let in by the Unix socket. */
function createAsk({ requireRoot }: DriverParts): Ask {
  const { userByName } = createAccounts(requireRoot);
  return async (sql, database = 'postgres') => {
    requireRoot('Asking PostgreSQL');
    const user = await userByName('postgres');
    if (user === null) throw new HaubanError('ACTION_REFUSED', 'PostgreSQL is not installed on this node');
    const result = await runProgram(
      `${await findPrograms()}/psql`,
      [
        ...['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--field-separator=\t', '--no-password'],
        ...['--set=ON_ERROR_STOP=1', `--host=${SOCKET_FOLDER}`, '--port=5432', '--username=postgres'],
        `--dbname=${database}`,
      ],
      { stdin: `${OWN_NAMES_ONLY}${sql}\n`, timeoutMs: TIMEOUT_MS, as: { uid: user.uid, gid: user.gid } },
    );
    if (result.status === NO_SERVER)
      throw new HaubanError('ACTION_REFUSED', `PostgreSQL does not answer on this node: ${saidBy(result)}`);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `psql: ${saidBy(result)}`);
    return result.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  };
}

const ownerOf = (name: string): string => `${name}_owner`;
const isTrue = (value: string | undefined): boolean => value === 't';

async function membersOf(ask: Ask, name: string): Promise<readonly string[]> {
  const rows = await ask(
    `SELECT m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE r.rolname = ${text(ownerOf(name))} ORDER BY 1;`,
  );
  return rows.flatMap(([member = '']) => (USER_NAME.test(member) ? [member] : []));
}

async function factsOf(ask: Ask, database: string, name: string): Promise<DatabaseFacts | null> {
  const [row] = await ask(
    `SELECT pg_database_size(oid) FROM pg_database WHERE datallowconn AND datname = ${text(database)};`,
  );
  if (row === undefined) return null;
  const [tables] = await ask(
    `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';`,
    database,
  );
  return { tables: Number(tables?.[0]), programs: 0, sizeBytes: Number(row[0]), users: await membersOf(ask, name) };
}

/** The name that users are members for: copies beside a database have its owner. */
const liveName = (database: string): string => database.replace(/__(?:side|old)$/, '');

function accounts(ask: Ask): Pick<DatabaseServer, 'user' | 'writeUser' | 'rights' | 'writeRights' | 'userDatabases'> {
  return {
    async user(login) {
      const [row] = await ask(
        `SELECT rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls), coalesce(rolpassword, ''), rolconnlimit FROM pg_authid WHERE rolname = ${text(login)};`,
      );
      if (row === undefined) return null;
      const isPlain = isTrue(row[0]) && (row[1] ?? '').startsWith('SCRAM-SHA-256$');
      return { passwordHash: isPlain ? (row[1] ?? '') : 'unknown', maxConnections: Math.max(0, Number(row[2])) };
    },
    async writeUser(login, state) {
      if (state === null) return void (await ask(`DROP ROLE IF EXISTS ${ident(login)};`));
      const isThere = (await ask(`SELECT 1 FROM pg_roles WHERE rolname = ${text(login)};`)).length > 0;
      await ask(
        `${isThere ? 'ALTER' : 'CREATE'} ROLE ${ident(login)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${wholeNumber(state.maxConnections)} PASSWORD ${text(state.passwordHash)};`,
      );
      return undefined;
    },
    rights: async (name, login) => ((await membersOf(ask, name)).includes(login) ? 'all' : null),
    async writeRights(name, login, rights) {
      const [owner, user, database] = [ident(ownerOf(name)), ident(login), ident(name)];
      await ask(
        rights === null
          ? `BEGIN; REVOKE ${owner} FROM ${user}; ALTER ROLE ${user} IN DATABASE ${database} RESET role; COMMIT;`
          : `BEGIN; GRANT ${owner} TO ${user}; ALTER ROLE ${user} IN DATABASE ${database} SET role = ${owner}; COMMIT;`,
      );
    },
    async userDatabases(login) {
      const rows = await ask(
        `SELECT r.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = ${text(login)} ORDER BY 1;`,
      );
      return rows.flatMap(([role = '']) => (role.endsWith('_owner') ? [role.slice(0, -'_owner'.length)] : []));
    },
  };
}

function databases(ask: Ask): Pick<DatabaseServer, 'database' | 'createDatabase' | 'dropDatabase' | 'clear'> {
  const database: DatabaseServer['database'] = async (name) => {
    const [row] = await ask(
      `SELECT pg_encoding_to_char(encoding), datcollate, pg_get_userbyid(datdba) FROM pg_database WHERE datallowconn AND datname = ${text(name)};`,
    );
    return row === undefined ? null : { charset: row[0] ?? '', collation: row[1] ?? '', owner: row[2] ?? '' };
  };
  const isHalf = async (name: string): Promise<boolean> =>
    (await ask(`SELECT 1 FROM pg_database WHERE datname = ${text(name)};`)).length > 0;
  /** Closed until everybody's right to connect is taken away: half of it is not there. */
  const create: DatabaseServer['createDatabase'] = async (name, { charset, collation, owner }) => {
    if ((await database(name)) !== null) return;
    if ((await ask(`SELECT 1 FROM pg_roles WHERE rolname = ${text(owner)};`)).length === 0)
      await ask(`CREATE ROLE ${ident(owner)} NOLOGIN;`);
    if (!(await isHalf(name)))
      await ask(
        `CREATE DATABASE ${ident(name)} OWNER ${ident(owner)} TEMPLATE template0 ENCODING ${text(charset)} LC_COLLATE ${text(collation)} LC_CTYPE ${text(collation)} ALLOW_CONNECTIONS false;`,
      );
    await ask(
      `REVOKE ALL ON DATABASE ${ident(name)} FROM PUBLIC;\nALTER DATABASE ${ident(name)} ALLOW_CONNECTIONS true;`,
    );
  };
  return {
    database,
    createDatabase: create,
    async dropDatabase(name) {
      await ask(`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE);`);
      if (isDatabaseName(name)) await ask(`DROP ROLE IF EXISTS ${ident(ownerOf(name))};`);
    },
    async clear(name) {
      const state = await database(name);
      if (state === null) return;
      await ask(`DROP DATABASE ${ident(name)} WITH (FORCE);`);
      await create(name, state);
    },
  };
}

const SWAP_ATTEMPTS = 5;

function copies(
  ask: Ask,
  own: Pick<DatabaseServer, 'database' | 'createDatabase' | 'dropDatabase'>,
): Pick<DatabaseServer, 'sideMark' | 'createSide' | 'markSide' | 'live' | 'placedMark' | 'swap'> {
  const mark = async (database: string): Promise<string | null> => {
    const [row] = await ask(
      `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ${text(database)} AND shobj_description(oid, 'pg_database') IS NOT NULL;`,
    );
    return row?.[0] ?? null;
  };
  const sideMark: DatabaseServer['sideMark'] = (name) => mark(sideOf(name));
  const live: DatabaseServer['live'] = async (name) => {
    const [side, old] = [await sideMark(name), await own.database(oldOf(name))];
    if (old !== null) return 'restored';
    return side === null ? null : 'original';
  };
  /** Both names in one transaction; who comes back between closing connections and renaming makes it fail once more. */
  const exchange = async (name: string, away: string, back: string): Promise<void> => {
    const members = await membersOf(ask, name);
    const settings = members.map(
      (member) => `ALTER ROLE ${ident(member)} IN DATABASE ${ident(name)} SET role = ${ident(ownerOf(name))};`,
    );
    // One beside the live database has none of them: nobody's program works there.
    const gone =
      away === sideOf(name)
        ? members.map((member) => `ALTER ROLE ${ident(member)} IN DATABASE ${ident(away)} RESET role;`)
        : [];
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (${text(name)}, ${text(back)});
BEGIN; ALTER DATABASE ${ident(name)} RENAME TO ${ident(away)}; ALTER DATABASE ${ident(back)} RENAME TO ${ident(name)}; ${[...settings, ...gone].join(' ')} COMMIT;`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await ask(sql);
        return;
      } catch (error) {
        if (attempt === SWAP_ATTEMPTS) throw error;
      }
    }
  };
  return {
    sideMark,
    live,
    async createSide(name) {
      const state = await own.database(name);
      if (state === null) throw new HaubanError('ACTION_REFUSED', `there is no database ${name}`);
      await own.dropDatabase(sideOf(name));
      await own.createDatabase(sideOf(name), state);
    },
    markSide: async (name, dump) => void (await ask(`COMMENT ON DATABASE ${ident(sideOf(name))} IS ${text(dump)};`)),
    placedMark: async (name) => ((await live(name)) === 'restored' ? mark(name) : null),
    async swap(name, to) {
      if ((await live(name)) === to) return;
      if (to === 'restored') await exchange(name, oldOf(name), sideOf(name));
      else await exchange(name, sideOf(name), oldOf(name));
    },
  };
}

const LOCAL = ['--host=127.0.0.1', '--port=5432', '--no-password'] as const;

function workers({ files, random }: DriverParts, ask: Ask): Pick<DatabaseServer, 'withWorker' | 'removeWorker'> {
  const exists = async (user: string): Promise<boolean> =>
    (await ask(`SELECT 1 FROM pg_roles WHERE rolname = ${text(user)};`)).length > 0;
  const isOpen = async (database: string): Promise<string | null> =>
    (
      await ask(`SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datallowconn AND datname = ${text(database)};`)
    )[0]?.[0] ?? null;
  const removeWorker = async (database: string): Promise<void> => {
    const user = workerUser(database);
    if (await exists(user)) {
      // What a dump made under another role than it should: it stays, as the owner's.
      const owner = await isOpen(database);
      if (owner !== null)
        await ask(`REASSIGN OWNED BY ${ident(user)} TO ${ident(owner)};\nDROP OWNED BY ${ident(user)};`, database);
      await ask(`DROP ROLE ${ident(user)};`);
    }
    await removeWorkerFile(files, 'postgresql', database);
  };
  return {
    removeWorker,
    async withWorker(database, owner, work) {
      await removeWorker(database);
      const { file, user, password } = await writeWorkerLogin(
        files,
        random,
        'postgresql',
        database,
        (name, secret) => `127.0.0.1:5432:*:${name}:${secret}\n`,
      );
      try {
        await ask(
          `SET password_encryption = 'scram-sha-256';\nCREATE ROLE ${ident(user)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT CONNECTION LIMIT 4 PASSWORD ${text(password)} IN ROLE ${ident(owner)};`,
        );
        const login = [...LOCAL, `--username=${user}`];
        const programs = await findPrograms();
        const target = `--dbname=dbname=${database} passfile=${file}`;
        await work({
          dump: {
            path: `${programs}/pg_dump`,
            args: [...login, '--format=custom', '--compress=0', '--no-owner', '--no-privileges', target],
          },
          // No psql: its own commands would run in the client. The archive's SQL runs with the worker's rights.
          load: {
            path: `${programs}/pg_restore`,
            args: [
              ...[...login, '--exit-on-error', '--no-owner', '--no-privileges', '--single-transaction'],
              ...[`--role=${owner}`, target],
            ],
          },
        });
      } finally {
        await removeWorker(database);
      }
    },
  };
}

/** PostgreSQL as Debian installs it: one cluster on port 5432. */
export function createPostgresql(parts: DriverParts): DatabaseServer {
  const ask = createAsk(parts);
  const own = databases(ask);
  return {
    dataFolder: DATA_FOLDER,
    ...own,
    facts: (database) => factsOf(ask, database, liveName(database)),
    ...accounts(ask),
    ...copies(ask, own),
    ...workers(parts, ask),
    async list() {
      const names = (await ask('SELECT datname FROM pg_database ORDER BY 1;')).flatMap(([name = '']) =>
        isDatabaseName(name) ? [name] : [],
      );
      const found = [];
      for (const name of names) {
        const facts = await factsOf(ask, name, name);
        if (facts !== null) found.push({ name, ...facts });
      }
      const users = await ask('SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1;');
      return {
        databases: found,
        users: users.flatMap(([user = '']) => (USER_NAME.test(user) ? [user] : [])),
        wideGrants: [],
      };
    },
  };
}
