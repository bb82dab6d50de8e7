import { createHash } from 'node:crypto';
import type { DatabaseFacts, DatabaseState } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { isDatabaseName, oldOf, sideOf, USER_NAME, type DatabaseServer } from './database-server.ts';
import {
  grantPattern,
  mariadbHash,
  mariadbIdentifier,
  mariadbLogin,
  mariadbName,
  mariadbText,
  parseLogin,
  wholeNumber,
} from './sql-text.ts';
import { removeWorkerFile, workerUser, writeWorkerLogin } from './worker-login.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';

const SOCKET = '/run/mysqld/mysqld.sock';
const DATA_FOLDER = '/var/lib/mysql';
/** Option files of anybody are ignored, `\!` and `source` are off, and so is reading of files for the server. */
const SAFE = ['--sandbox', '--binary-mode', '--disable-local-infile'] as const;
const TIMEOUT_MS = 120_000;
/** The server's number for "can not connect". */
const NO_SERVER = /^ERROR (?:2002|2003|2013)\b/m;

const hex = (column: string): string => `HEX(${column})`;
const fromHex = (text: string): string => Buffer.from(text, 'hex').toString('utf8');
/** `mysql_native_password`: twice SHA-1. */
const hashOf = (password: string): string =>
  `*${createHash('sha1').update(createHash('sha1').update(password).digest()).digest('hex').toUpperCase()}`;
const unescaped = (pattern: string): string => pattern.replaceAll(/\\([_%])/g, '$1');
const hasWildcard = (pattern: string): boolean => /(?<!\\)[_%]/.test(pattern);

type Ask = (sql: string) => Promise<readonly (readonly string[])[]>;

/** Rows of a statement; values must hold no tab and no newline (ask for HEX where they may). */
function createAsk({ programs }: DriverParts): Ask {
  return async (sql) => {
    const result = await programs.run(
      'mariadb',
      [
        ...['--no-defaults', '--protocol=socket', `--socket=${SOCKET}`, '--user=root', ...SAFE],
        ...['--batch', '--skip-column-names', '--default-character-set=utf8mb4'],
      ],
      { stdin: sql, timeoutMs: TIMEOUT_MS },
    );
    if (NO_SERVER.test(result.stderr))
      throw new HaubanError('ACTION_REFUSED', `MariaDB does not answer on this node: ${saidBy(result)}`);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `mariadb: ${saidBy(result)}`);
    return result.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  };
}

async function factsOf(ask: Ask, name: string): Promise<DatabaseFacts | null> {
  const text = mariadbText(name);
  const [row] = await ask(`SELECT
    (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ${text}),
    (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ${text} AND table_type = 'BASE TABLE'),
    (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ${text} AND table_type = 'VIEW')
      + (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = ${text})
      + (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = ${text})
      + (SELECT COUNT(*) FROM information_schema.events WHERE event_schema = ${text}),
    (SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = ${text});`);
  if (row === undefined || row[0] === '0') return null;
  const users = await ask(
    `SELECT CONCAT(User, '@', Host) FROM mysql.db WHERE Db = ${mariadbText(grantPattern(name))} ORDER BY 1;`,
  );
  return {
    tables: Number(row[1]),
    programs: Number(row[2]),
    sizeBytes: Number(row[3]),
    users: users.flatMap(([login = '']) => (USER_NAME.test(login.split('@')[0] ?? '') ? [login] : [])),
  };
}

/** Hosting gives these; ALL of a database has 18 or more, by version. */
const LEAST_OF_ALL = 18;

function accounts(ask: Ask): Pick<DatabaseServer, 'user' | 'writeUser' | 'rights' | 'writeRights' | 'userDatabases'> {
  const where = (login: string): string => {
    const { user, host } = parseLogin(login);
    return `User = ${mariadbText(user)} AND Host = ${mariadbText(host)}`;
  };
  const rights: DatabaseServer['rights'] = async (name, login) => {
    const { user, host } = parseLogin(login);
    const rows = await ask(
      `SELECT privilege_type, is_grantable FROM information_schema.schema_privileges WHERE grantee = CONCAT(QUOTE(${mariadbText(user)}), '@', QUOTE(${mariadbText(host)})) AND table_schema = ${mariadbText(grantPattern(name))} ORDER BY 1;`,
    );
    if (rows.length === 0) return null;
    if (rows.some(([, grantable]) => grantable !== 'NO')) return 'other';
    if (rows.length >= LEAST_OF_ALL) return 'all';
    return rows.map(([right]) => right).join() === 'SELECT,SHOW VIEW' ? 'read' : 'other';
  };
  return {
    rights,
    async user(login) {
      const [row] = await ask(
        `SELECT COALESCE(JSON_VALUE(Priv, '$.plugin'), ''), COALESCE(JSON_VALUE(Priv, '$.authentication_string'), ''), COALESCE(JSON_VALUE(Priv, '$.max_user_connections'), 0), COALESCE(JSON_VALUE(Priv, '$.access'), 0), JSON_EXISTS(Priv, '$.auth_or') FROM mysql.global_priv WHERE ${where(login)};`,
      );
      if (row === undefined) return null;
      const [plugin, hash = '', connections, access, hasOthers] = row;
      const isPlain = plugin === 'mysql_native_password' && access === '0' && hasOthers === '0';
      return { passwordHash: isPlain && hash !== '' ? hash : 'unknown', maxConnections: Number(connections) };
    },
    async writeUser(login, state) {
      const name = mariadbLogin(parseLogin(login));
      if (state === null) return void (await ask(`DROP USER IF EXISTS ${name};`));
      const how = `${name} IDENTIFIED BY PASSWORD ${mariadbHash(state.passwordHash)} WITH MAX_USER_CONNECTIONS ${wholeNumber(state.maxConnections)};`;
      await ask(`CREATE USER IF NOT EXISTS ${how}\nALTER USER ${how}`);
      return undefined;
    },
    async writeRights(name, login, wanted) {
      const now = await rights(name, login);
      const [what, who] = [`${mariadbIdentifier(grantPattern(name))}.*`, mariadbLogin(parseLogin(login))];
      const gives = { all: 'ALL PRIVILEGES', read: 'SELECT, SHOW VIEW' };
      const statements = [
        now === null || now === wanted ? '' : `REVOKE ALL PRIVILEGES ON ${what} FROM ${who};`,
        wanted === null ? '' : `GRANT ${gives[wanted]} ON ${what} TO ${who};`,
      ].join('\n');
      if (statements.trim() !== '') await ask(statements);
    },
    async userDatabases(login) {
      const rows = await ask(`SELECT Db FROM mysql.db WHERE ${where(login)} ORDER BY 1;`);
      // The client writes a backslash as two.
      return rows.map(([pattern = '']) => unescaped(pattern.replaceAll(String.raw`\\`, '\\')));
    },
  };
}

function copies(
  ask: Ask,
  create: DatabaseServer['createDatabase'],
): Pick<DatabaseServer, 'sideMark' | 'createSide' | 'markSide' | 'live' | 'placedMark' | 'swap'> {
  const mark = async (database: string): Promise<string | null> => {
    const [row] = await ask(
      `SELECT schema_comment, 'x' FROM information_schema.schemata WHERE schema_name = ${mariadbText(database)};`,
    );
    return row?.[0] ?? null;
  };
  const stateOf = async (name: string): Promise<DatabaseState> => {
    const [row] = await ask(
      `SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = ${mariadbText(name)};`,
    );
    return { charset: row?.[0] ?? 'utf8mb4', collation: row?.[1] ?? 'utf8mb4_unicode_ci', owner: '' };
  };
  const tablesOf = async (database: string): Promise<readonly string[]> =>
    (
      await ask(
        `SELECT ${hex('table_name')} FROM information_schema.tables WHERE table_schema = ${mariadbText(database)} AND table_type = 'BASE TABLE';`,
      )
    ).map(([name = '']) => fromHex(name));
  const setMark = async (database: string, text: string): Promise<void> =>
    void (await ask(`ALTER DATABASE ${mariadbName(database)} COMMENT = ${markText(text)};`));
  const moves = async (from: string, to: string): Promise<readonly string[]> =>
    (await tablesOf(from)).map((table) => {
      const quoted = mariadbIdentifier(table);
      return `${mariadbName(from)}.${quoted} TO ${mariadbName(to)}.${quoted}`;
    });
  /** One statement: all tables bear their new names, or none does. */
  const exchange = async (name: string, away: string, back: string): Promise<void> => {
    const [label, state] = [(await mark(back)) ?? '', await stateOf(back)];
    await create(away, state);
    await setMark(away, label);
    const all = [...(await moves(name, away)), ...(await moves(back, name))];
    if (all.length > 0) await ask(`RENAME TABLE ${all.join(', ')};`);
    await ask(`DROP DATABASE ${mariadbName(back)};`);
  };
  const live: DatabaseServer['live'] = async (name) => {
    const [side, old] = [await mark(sideOf(name)), await mark(oldOf(name))];
    const isSide = side !== null && side !== '';
    if (isSide && (old === null || (await tablesOf(sideOf(name))).length > 0)) return 'original';
    return old === null ? null : 'restored';
  };
  return {
    live,
    async sideMark(name) {
      const text = await mark(sideOf(name));
      return text === '' ? null : text;
    },
    async createSide(name) {
      await ask(`DROP DATABASE IF EXISTS ${mariadbName(sideOf(name))};`);
      await create(sideOf(name), await stateOf(name));
    },
    markSide: (name, dump) => setMark(sideOf(name), dump),
    // The exchange carries the label over to the one that went away.
    placedMark: async (name) => ((await live(name)) === 'restored' ? mark(oldOf(name)) : null),
    async swap(name, to) {
      if ((await live(name)) === to) return;
      if (to === 'restored') await exchange(name, oldOf(name), sideOf(name));
      else await exchange(name, sideOf(name), oldOf(name));
    },
  };
}

/** COMMENT takes a plain text only; labels have nothing to escape. */
function markText(text: string): string {
  if (!/^[a-z0-9-]{0,40}$/.test(text)) throw new HaubanError('ACTION_REFUSED', 'that is no label of a dump');
  return `'${text}'`;
}

const CLIENT = ['--protocol=socket', `--socket=${SOCKET}`, '--default-character-set=utf8mb4'] as const;

function workers({ files, random }: DriverParts, ask: Ask): Pick<DatabaseServer, 'withWorker' | 'removeWorker'> {
  const who = (database: string): string => mariadbLogin({ user: workerUser(database), host: 'localhost' });
  const removeWorker = async (database: string): Promise<void> => {
    await ask(`DROP USER IF EXISTS ${who(database)};`);
    await removeWorkerFile(files, 'mariadb', database);
  };
  return {
    removeWorker,
    async withWorker(database, _owner, work) {
      const login = await writeWorkerLogin(
        files,
        random,
        'mariadb',
        database,
        (user, password) => `[client]\nuser=${user}\npassword=${password}\n`,
      );
      const what = `${mariadbIdentifier(grantPattern(database))}.*`;
      try {
        // A routine's text is only shown to its definer and to who can read mysql.proc.
        await ask(`CREATE OR REPLACE USER ${who(database)} IDENTIFIED BY PASSWORD ${mariadbHash(hashOf(login.password))};
GRANT ALL PRIVILEGES ON ${what} TO ${who(database)};
GRANT SELECT ON mysql.proc TO ${who(database)};`);
        await work({
          dump: {
            path: PROGRAM_PATHS['mariadb-dump'],
            args: [
              ...[`--defaults-file=${login.file}`, ...CLIENT, '--single-transaction', '--quick', '--routines'],
              ...['--triggers', '--events', '--hex-blob', '--skip-dump-date', '--no-tablespaces', '--', database],
            ],
          },
          load: {
            path: PROGRAM_PATHS.mariadb,
            args: [`--defaults-file=${login.file}`, ...CLIENT, ...SAFE, '--batch', `--database=${database}`],
          },
        });
      } finally {
        await removeWorker(database);
      }
    },
  };
}

/** MariaDB 10.11 as Debian installs it: root comes in by the Unix socket. */
export function createMariadb(parts: DriverParts): DatabaseServer {
  const ask = createAsk(parts);
  const create: DatabaseServer['createDatabase'] = async (name, { charset, collation }) => {
    for (const word of [charset, collation])
      if (!/^[a-z0-9_]{1,64}$/.test(word)) throw new HaubanError('ACTION_REFUSED', 'that is no character set');
    await ask(`CREATE DATABASE IF NOT EXISTS ${mariadbName(name)} CHARACTER SET ${charset} COLLATE ${collation};`);
  };
  const database: DatabaseServer['database'] = async (name) => {
    const [row] = await ask(
      `SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = ${mariadbText(name)};`,
    );
    return row === undefined ? null : { charset: row[0] ?? '', collation: row[1] ?? '', owner: '' };
  };
  return {
    dataFolder: DATA_FOLDER,
    database,
    createDatabase: create,
    dropDatabase: async (name) => void (await ask(`DROP DATABASE IF EXISTS ${mariadbName(name)};`)),
    async clear(name) {
      const state = await database(name);
      if (state === null) return;
      await ask(`DROP DATABASE ${mariadbName(name)};`);
      await create(name, state);
    },
    facts: (name) => factsOf(ask, name),
    ...accounts(ask),
    ...copies(ask, create),
    ...workers(parts, ask),
    async list() {
      const names = (await ask('SELECT schema_name FROM information_schema.schemata ORDER BY 1;')).flatMap(
        ([name = '']) => (isDatabaseName(name) ? [name] : []),
      );
      const databases = [];
      for (const name of names) {
        const facts = await factsOf(ask, name);
        if (facts !== null) databases.push({ name, ...facts });
      }
      const users = await ask(`SELECT CONCAT(User, '@', Host) FROM mysql.global_priv ORDER BY 1;`);
      const grants = await ask(`SELECT User, Host, ${hex('Db')} FROM mysql.db ORDER BY 1, 2, 3;`);
      return {
        databases,
        users: users.flatMap(([login = '']) => (USER_NAME.test(login.split('@')[0] ?? '') ? [login] : [])),
        wideGrants: grants.flatMap(([user = '', from = '', pattern = '']) =>
          hasWildcard(fromHex(pattern)) ? [`${user}@${from} on ${fromHex(pattern)}`] : [],
        ),
      };
    },
  };
}
