import { mariadbHash, scramVerifier, standDatabaseNode, type DatabaseNode } from '../actions/database-node.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick, word } from './pick.ts';
import { defineFamily, type Arranging } from './scenario.ts';

const ACCOUNT = 'w4a100010';
const NAME = `${ACCOUNT}_shop`;
const USER = `${ACCOUNT}_web`;
const ENGINES = ['mariadb', 'postgresql'] as const;
type Engine = (typeof ENGINES)[number];
const HASH = { mariadb: mariadbHash('correct-horse'), postgresql: scramVerifier('correct-horse') };

interface DatabaseStand extends DisposableStand {
  readonly databases: DatabaseNode;
}
type Wants = Arranging<DatabaseStand>;
type Thing = readonly [string, string];

const rowsOf = (text: string, separator: RegExp): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(separator));

/** Each row is `kind`, `name` and the rest. */
const thingsIn = (engine: Engine, rows: readonly (readonly string[])[]): readonly Thing[] =>
  rows.map(([kind = '', name = '', ...rest]) => [`${engine}:${kind} ${name}`, rest.join(' ') || 'there'] as const);

async function mariadbThings({ mariadb }: DatabaseNode): Promise<readonly Thing[]> {
  const rows = rowsOf(
    await mariadb(`SELECT 'database', schema_name, schema_comment, default_collation_name FROM information_schema.schemata;
SELECT 'user', CONCAT(User, '@', Host), JSON_REMOVE(Priv, '$.password_last_changed') FROM mysql.global_priv;
SELECT 'grant', CONCAT(REPLACE(Db, '\\\\_', '_'), '/', User, '@', Host), CONCAT(Db, Select_priv, Insert_priv, Drop_priv, Alter_priv) FROM mysql.db;
SELECT 'table', CONCAT(table_schema, '.', table_name), table_type FROM information_schema.tables WHERE table_schema LIKE 'w4a%';`),
    /\t/,
  );
  const tables = rows.filter(([kind]) => kind === 'table').map(([, name = '']) => name);
  const sums = tables.length === 0 ? [] : rowsOf(await mariadb(`CHECKSUM TABLE ${tables.join(', ')};`), /\t/);
  return [
    ...thingsIn('mariadb', rows),
    ...thingsIn(
      'mariadb',
      sums.map(([name = '', sum = '']) => ['content', name, sum]),
    ),
  ];
}

async function postgresqlThings({ psql }: DatabaseNode): Promise<readonly Thing[]> {
  const rows = rowsOf(
    await psql(`SELECT 'database', datname, coalesce(datacl::text, '-'), datdba::regrole, coalesce(shobj_description(oid, 'pg_database'), '-') FROM pg_database;
SELECT 'user', rolname, coalesce(rolpassword, '-'), rolconnlimit, rolcanlogin FROM pg_authid;
SELECT 'grant', roleid::regrole::text || '/' || member::regrole::text, admin_option FROM pg_auth_members;
SELECT 'setting', setrole::regrole || '/' || coalesce(datname, '-'), setconfig FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase;`),
    /\|/,
  );
  const names = rows
    .filter(([kind, name = '']) => kind === 'database' && name.startsWith('w4a'))
    .map(([, name = '']) => name);
  const contents = await Promise.all(
    names.map(async (name) => {
      const tables = await psql(
        "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public';",
        name,
      );
      const words = tables.split(',').includes('t')
        ? await psql("SELECT md5(string_agg(word, ',' ORDER BY word)) FROM t;", name)
        : '';
      return ['content', name, `${tables} ${words}`] as const;
    }),
  );
  return thingsIn('postgresql', [...rows, ...contents]);
}

async function stand(): Promise<DatabaseStand> {
  const databases = await standDatabaseNode({ name: 'cat-databases', sizeMiB: 640 });
  const { node } = databases;
  const made = await standOn(node, {
    things: async () => (await Promise.all([mariadbThings(databases), postgresqlThings(databases)])).flat(),
    leftOut: [
      {
        paths: /^\/(?:var\/lib|run)\/(?:mysql|mysqld|postgresql)(?:\/|$)/,
        why: "the servers' own files: the servers are asked",
      },
    ],
  });
  const must = async (action: string, args: object): Promise<void> => {
    const { result } = await made.orders.ask({ do: 'apply', action, args });
    if (result.outcome !== 'succeeded') throw new Error(`${action}: ${result.detail}`);
  };
  for (const engine of ENGINES) {
    await must('database.create', { engine, name: NAME });
    await must('database-user.create', { engine, user: USER, passwordHash: HASH[engine] });
    await must('database.grant', { engine, name: NAME, user: USER, rights: 'all' });
    await write(
      { ...made, databases },
      engine,
      "CREATE TABLE t (word varchar(40)); INSERT INTO t VALUES ('friday'), ('other');",
    );
    await must('database.dump', { engine, name: NAME, label: 'base' });
    await must('snapshot.create-database', { engine, name: NAME, class: 'manual', label: 'friday' });
    await write({ ...made, databases }, engine, "INSERT INTO t VALUES ('today');");
  }
  return { ...made, databases };
}

/** As the customer's site would. */
async function write({ databases: { mariadb, psql } }: DatabaseStand, engine: Engine, sql: string): Promise<void> {
  if (engine === 'mariadb') await mariadb(sql, [`--database=${NAME}`]);
  else await psql(`SET ROLE ${NAME}_owner; ${sql}`, NAME);
}

const engineOf = ({ random }: Wants): Engine => pick(random, ENGINES);
const place = (wants: Wants) => ({ engine: engineOf(wants), name: NAME });
const named = (id: string): { readonly engine: string; readonly name: string; readonly last: string } => {
  const [engine = '', name = '', last = ''] = id.split('/');
  return { engine, name, last };
};
/** Whatever bears the name of that database, its copies and its owner's role too. */
const around = (id: string): readonly RegExp[] => {
  const { engine, name } = named(id);
  return [new RegExp(`^${engine}:[a-z]+ ${name}(?:__[a-z]+|_owner)?(?:[./]|$)`), /^postgresql:setting /];
};
const dumpFile = (engine: string, name: string, label: string): string =>
  `path:/var/backups/hosting/${name.split('_')[0] ?? ''}/${engine}--${name}--${label}.gz`;
const DUMP_FILES = /^path:\/var\/backups(?:\/hosting(?:\/w4a100010(?:\/[a-z]+--[a-z0-9_]+--[a-z0-9-]+\.gz\.json)?)?)?$/;
const newDump = ({
  engine,
  name,
  label,
}: {
  readonly engine: string;
  readonly name: string;
  readonly label: string;
}) => ({
  shows: [dumpFile(engine, name, label)],
  touches: [DUMP_FILES],
});
const all = (id: string) => ({ shows: [], touches: around(id) });
const ofPlace = ({ engine, name }: { readonly engine: string; readonly name: string }) => all(`${engine}/${name}`);

async function restoreFirst(wants: Wants, swapped: boolean): Promise<{ engine: Engine; name: string }> {
  const where = place(wants);
  await wants.first('database.restore', { ...where, label: 'base' });
  if (swapped) await wants.first('database.swap', where);
  return where;
}

const newUser = (wants: Wants) => {
  const engine = engineOf(wants);
  return {
    engine,
    user: `${ACCOUNT}_${word(wants.random, 8)}`,
    passwordHash: HASH[engine],
    maxConnections: 1 + wants.random.below(100),
  };
};

const NEW_TIMES = [
  {
    names: /^path:\/var\/backups\/hosting\/.*\.gz(?:\.json)?$/,
    why: 'an archive of PostgreSQL holds the time of its making',
  },
];

export const DATABASES = defineFamily<DatabaseStand>({
  name: 'databases',
  stand,
  resources: {
    'database.database': (id) => ({ shows: [`${named(id).engine}:database ${named(id).name}`], touches: around(id) }),
    'database.user': (id) => {
      const [engine = '', login = ''] = id.split('/');
      return { shows: [`${engine}:user ${login}`] };
    },
    'database.grant': (id) => {
      const { engine, name, last } = named(id);
      const group = engine === 'postgresql' ? `${name}_owner` : name;
      return {
        shows: [`${engine}:grant ${group}/${last}`],
        touches: [new RegExp(`^${engine}:(?:database ${name}|setting ${last}/.*)$`)],
      };
    },
    'database.dump': (id) => newDump({ ...named(id), label: named(id).last }),
    'database.side': (id) => ({
      shows: [
        `${named(id).engine}:database ${named(id).name}__side`,
        `${named(id).engine}:database ${named(id).name}__old`,
      ],
      touches: around(id),
    }),
    'database.live': all,
    'database.placed': all,
  },
  tasks: {
    'database.keep-dump': newDump,
    'database.clear': ofPlace,
    'database.discard': ofPlace,
    'database.fill-if-empty': ofPlace,
  },
  scenarios: [
    {
      action: 'database.create',
      weight: 2,
      arrange: (wants) => Promise.resolve({ engine: engineOf(wants), name: `${ACCOUNT}_${word(wants.random, 8)}` }),
    },
    {
      action: 'database.drop',
      alwaysNew: NEW_TIMES,
      weight: 2,
      undoKeeps: {
        why: 'its docs: undo makes the database again from the dump, and the dump stays',
        remove: ({ node }, args) => {
          const { engine, label } = args as { readonly engine: string; readonly label: string };
          const file = `/var/backups/hosting/${ACCOUNT}/${engine}--${NAME}--${label}.gz`;
          return node.mustRun('/usr/bin/rm', ['-f', file, `${file}.json`]);
        },
      },
      arrange: (wants) => Promise.resolve({ ...place(wants), label: `gone${word(wants.random, 6)}` }),
    },
    {
      action: 'database.dump',
      weight: 2,
      alwaysNew: NEW_TIMES,
      arrange: (wants) => Promise.resolve({ ...place(wants), label: word(wants.random, 8) }),
    },
    { action: 'database.restore', weight: 2, arrange: (wants) => Promise.resolve({ ...place(wants), label: 'base' }) },
    { action: 'database.swap', weight: 2, arrange: (wants) => restoreFirst(wants, false) },
    {
      action: 'database.discard',
      weight: 2,
      stays: 'what it removes is gone: its docs say so, and its risk is high',
      async arrange(wants) {
        const where = place(wants);
        const { orders } = wants.stand;
        wants.atEnd(() => orders.ask({ do: 'apply', action: 'database.discard', args: { ...where, which: 'side' } }));
        const { result } = await orders.ask({
          do: 'apply',
          action: 'database.restore',
          args: { ...where, label: 'base' },
        });
        if (result.outcome !== 'succeeded') throw new Error(result.detail);
        return { ...where, which: 'side' };
      },
    },
    {
      action: 'database.grant',
      weight: 2,
      async arrange(wants) {
        const { engine, user, ...rest } = newUser(wants);
        await wants.first('database-user.create', { engine, user, ...rest });
        const rights = engine === 'mariadb' ? pick(wants.random, ['all', 'read']) : 'all';
        return { engine, name: NAME, user, rights };
      },
    },
    { action: 'database.revoke', weight: 2, arrange: (wants) => Promise.resolve({ ...place(wants), user: USER }) },
    { action: 'database-user.create', weight: 2, arrange: (wants) => Promise.resolve(newUser(wants)) },
    {
      action: 'database-user.drop',
      weight: 2,
      arrange: (wants) => Promise.resolve({ engine: engineOf(wants), user: USER }),
    },
    {
      action: 'database-user.set-password',
      weight: 2,
      arrange(wants) {
        const engine = engineOf(wants);
        const passwordHash = engine === 'mariadb' ? mariadbHash(word(wants.random)) : scramVerifier(word(wants.random));
        return Promise.resolve({ engine, user: USER, passwordHash });
      },
    },
    {
      action: 'snapshot.create-database',
      alwaysNew: NEW_TIMES,
      weight: 2,
      arrange(wants) {
        const kind = pick(wants.random, ['manual', 'hourly', 'daily', 'weekly', 'monthly']);
        return Promise.resolve({
          ...place(wants),
          class: kind,
          ...(kind === 'manual' ? { label: word(wants.random) } : {}),
        });
      },
    },
    {
      action: 'snapshot.prune-database',
      weight: 2,
      stays: 'what it removes nobody brings back: the plan says so of each',
      async arrange(wants) {
        const where = place(wants);
        for (const day of ['01', '02']) await wants.first('database.dump', { ...where, label: `daily-2026-11-${day}` });
        return { ...where, keep: { daily: 1 } };
      },
    },
    {
      action: 'storage.restore-database',
      weight: 2,
      arrange: (wants) =>
        Promise.resolve({
          ...place(wants),
          snapshot: 'manual-friday',
          mode: pick(wants.random, ['in-place', 'beside']),
        }),
    },
    { action: 'database.list', arrange: (wants) => Promise.resolve({ engine: engineOf(wants) }) },
  ],
});
