import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { mariadbHash, scramVerifier, standDatabaseNode, type DatabaseNode } from './database-node.ts';
import { expectDone } from './hosting-node.ts';

const lab = labRequirements();
const PASSWORD = 'correct-horse';
const NAME = 'w4a100010_shop';
const NEIGHBOUR = 'w4a100011_shop';
const USER = 'w4a100010_web';
const FOLDER = '/var/backups/hosting/w4a100010';

const ENGINES = [
  { engine: 'mariadb', hash: mariadbHash(PASSWORD), other: mariadbHash('other') },
  { engine: 'postgresql', hash: scramVerifier(PASSWORD), other: scramVerifier('other') },
] as const;

describe.skipIf(!lab.ok)('databases on a real node', () => {
  let stand: DatabaseNode;
  beforeAll(async () => {
    stand = await standDatabaseNode({ name: 'databases', sizeMiB: 640 });
  }, 120_000);
  afterAll(() => stand.node.destroy());

  type Engine = (typeof ENGINES)[number]['engine'];
  const admin = (engine: Engine, sql: string, database = 'mysql'): Promise<string> =>
    engine === 'mariadb'
      ? stand.mariadb(sql, [`--database=${database}`])
      : stand.psql(sql, database === 'mysql' ? 'postgres' : database);
  /** As the customer's site would: by name and password. */
  const customer = async (engine: Engine, sql: string, database = NAME, user = USER): Promise<string> => {
    const result =
      engine === 'mariadb'
        ? await stand.node.run('/usr/bin/mariadb', ['-BN', `--user=${user}`, `--password=${PASSWORD}`, database], {
            input: sql,
          })
        : await stand.node.run(
            '/usr/bin/psql',
            ['-XqtA', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-U', user, '-d', database],
            {
              input: sql,
              env: { PGPASSWORD: PASSWORD },
            },
          );
    return result.code === 0 ? result.stdout.trim() : `refused: ${result.stderr}`;
  };
  /** Databases, users and rights as the servers have them. */
  const serverState = async (): Promise<string> =>
    [
      await stand
        .mariadb(
          "SELECT schema_name, schema_comment FROM information_schema.schemata ORDER BY 1; SELECT User, Host, Priv FROM mysql.global_priv ORDER BY 1, 2; SELECT * FROM mysql.db ORDER BY 1, 2, 3; SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE 'w4a%' ORDER BY 1, 2;",
        )
        .then((text) => text.replaceAll(/"password_last_changed": ?\d+/g, '')),
      await stand
        .psql(
          'SELECT datname, datacl, datdba FROM pg_database ORDER BY 1; SELECT rolname, rolpassword, rolconnlimit FROM pg_authid ORDER BY 1; SELECT a.roleid::regrole, a.member::regrole FROM pg_auth_members a ORDER BY 1, 2; SELECT setrole::regrole, setconfig FROM pg_db_role_setting ORDER BY 1;',
        )
        .then((text) => text.replaceAll(/\|\d+$/gm, '')),
    ].join('\n');
  /** Files that dumps and their programs could leave. */
  const kept = async (): Promise<string> =>
    (await stand.node.run('/usr/bin/find', [FOLDER, '/run/hauban-databases', '/tmp', '-type', 'f'])).stdout;
  const apply = async (action: string, args: unknown) => expectDone(await stand.actions.apply(action, args));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) => {
    const answer = expectDone(await stand.actions.call({ mode: 'undo', changes }));
    expect(answer.problems).toEqual([]);
  };

  describe.each(ENGINES)('$engine', ({ engine, hash, other }) => {
    const place = { engine, name: NAME };
    const user = { engine, user: USER };
    const steps: readonly [string, unknown][] = [
      ['database.create', place],
      ['database-user.create', { ...user, passwordHash: hash }],
      ['database.grant', { ...place, ...user, rights: 'all' }],
    ];

    it('makes database, user and rights; twice is once; undo leaves the server as it was', async () => {
      const before = await serverState();
      const done = [];
      for (const [action, args] of steps) {
        const at = await serverState();
        const planned = expectDone(await stand.actions.plan(action, args));
        expect(await serverState()).toBe(at);
        const answer = await apply(action, args);
        expect(answer.changes).toEqual(planned.changes);
        expect(answer.changes.length).toBe(1);
        expect(JSON.stringify(answer.titles)).not.toContain(hash);
        done.push(answer.changes);
        expect((await apply(action, args)).changes).toEqual([]);
      }
      expect(
        await customer(engine, 'CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2); SELECT count(*) FROM t;'),
      ).toBe('2');
      await customer(engine, 'DROP TABLE t;');
      for (const changes of done.toReversed()) await undo(changes);
      expect(await serverState()).toBe(before);
    });

    it('undo of a creation keeps what the customer put in', async () => {
      const done = [];
      for (const [action, args] of steps) done.push((await apply(action, args)).changes);
      await customer(engine, 'CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2);');
      const answer = expectDone(await stand.actions.call({ mode: 'undo', changes: done[0] ?? [] }));
      expect(answer.problems).toMatchObject([{ code: 'CHANGE_CONFLICT', detail: expect.stringContaining('1 tables') }]);
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('2');
    });

    it('gives another password and takes it back; rights are taken away and given back', async () => {
      const { changes } = await apply('database-user.set-password', { ...user, passwordHash: other });
      expect(await customer(engine, 'SELECT 1;')).toMatch(/^refused/);
      await undo(changes);
      expect(await customer(engine, 'SELECT 1;')).toBe('1');
      const revoked = await apply('database.revoke', { ...place, ...user });
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toMatch(/^refused/);
      await undo(revoked.changes);
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('2');
      const dropped = await apply('database-user.drop', user);
      expect(dropped.changes.length).toBe(2);
      expect(await customer(engine, 'SELECT 1;')).toMatch(/^refused/);
      await undo(dropped.changes);
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('2');
    });

    it('lists what is there', async () => {
      const { data } = expectDone(await stand.actions.plan('database.list', { engine }));
      expect(data).toMatchObject({ databases: [{ name: NAME, tables: 1 }], wideGrants: [] });
    });

    it('dumps as nobody, restores beside, swaps, changes back', async () => {
      const before = await serverState();
      const files = await kept();
      const dump = await apply('database.dump', { ...place, label: 'friday' });
      expect(dump.verified[0]?.saw).toMatch(/1 tables, [0-9a-f]{64}$/);
      expect(await serverState()).toBe(before);
      expect((await apply('database.dump', { ...place, label: 'friday' })).changes).toEqual([]);
      const listed = (
        await stand.node.mustRun('/usr/bin/stat', ['-c', '%a %u', FOLDER, `${FOLDER}/${engine}--${NAME}--friday.gz`])
      ).stdout;
      expect(listed).toBe('700 0\n600 0\n');

      await customer(engine, 'DELETE FROM t WHERE id = 1; CREATE TABLE later (id integer);');
      const live = await serverState();
      const restored = await apply('database.restore', { ...place, label: 'friday' });
      expect((await apply('database.restore', { ...place, label: 'friday' })).changes).toEqual([]);
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('1');
      const swapped = await apply('database.swap', place);
      expect((await apply('database.swap', place)).changes).toEqual([]);
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('2');
      expect(await customer(engine, 'SELECT count(*) FROM later;')).toMatch(/^refused/);
      expect(
        await customer(engine, 'INSERT INTO t VALUES (3); SELECT count(*) FROM t; DELETE FROM t WHERE id = 3;'),
      ).toBe('3');
      await undo(swapped.changes);
      expect(await customer(engine, 'SELECT count(*) FROM later;')).toBe('0');
      await undo(restored.changes);
      expect(await serverState()).toBe(live);

      await apply('database.restore', { ...place, label: 'friday' });
      await apply('database.swap', place);
      await apply('database.discard', { ...place, which: 'old' });
      expect((await apply('database.discard', { ...place, which: 'old' })).changes).toEqual([]);
      expect(await serverState()).toBe(before);
      await undo(dump.changes);
      expect(await kept()).toBe(files);
    });

    it('a dump that was changed since it was made is refused', async () => {
      await apply('database.dump', { ...place, label: 'changed' });
      await stand.node.writeFile(`${FOLDER}/${engine}--${NAME}--changed.gz`, gzipSync('SELECT 1;'));
      expect(await stand.actions.apply('database.restore', { ...place, label: 'changed' })).toMatchObject({
        ok: false,
        code: 'ACTION_REFUSED',
        detail: expect.stringContaining('checksum'),
        problems: [],
      });
    });

    it('drops with a kept dump; undo brings content and rights back', async () => {
      const before = await serverState();
      const dropped = await apply('database.drop', place);
      expect(await customer(engine, 'SELECT 1;')).toMatch(/^refused/);
      expect((await apply('database.drop', place)).changes).toEqual([]);
      await undo(dropped.changes);
      expect(await serverState()).toBe(before);
      expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('2');
    });

    it('killed at each step of a dump, a restore and a drop, it goes back to what it was', async () => {
      await apply('database.dump', { ...place, label: 'base' });
      const cases: readonly [string, unknown][] = [
        ['database.dump', { ...place, label: 'killed' }],
        ['database.restore', { ...place, label: 'base' }],
        ...(engine === 'mariadb' ? [['database.drop', { ...place, label: 'killed2' }] as [string, unknown]] : []),
      ];
      for (const [action, args] of cases) {
        const { changes } = expectDone(await stand.actions.plan(action, args));
        const before = await serverState();
        for (let dieAt = 0; dieAt < changes.length; dieAt += 1) {
          await stand.actions.apply(action, args, { dieAt }).catch(() => null);
          await undo(changes);
          expect(await serverState(), `${action} ${dieAt}`).toBe(before);
          await stand.node.run('/usr/bin/rm', ['-f', `${FOLDER}/${engine}--${NAME}--killed2.gz`]);
        }
        expect(await customer(engine, 'SELECT count(*) FROM t;')).toBe('2');
        const left = await stand.node.mustRun('/usr/bin/find', [
          '/run/hauban-databases',
          FOLDER,
          '-name',
          '*hauban-tmp',
        ]);
        expect(left.stdout).toBe('');
      }
    });

    it('a server that does not run, or a database that is not there, is said so', async () => {
      expect(await stand.actions.plan('database.dump', { engine, name: 'w4a100010_none', label: 'x' })).toMatchObject({
        ok: false,
        code: 'ACTION_REFUSED',
        detail: expect.stringContaining('there is no database w4a100010_none'),
      });
    });
  });

  describe('attacks', () => {
    beforeAll(async () => {
      await apply('database.create', { engine: 'mariadb', name: NEIGHBOUR });
      await apply('database.create', { engine: 'postgresql', name: NEIGHBOUR });
      for (const engine of ['mariadb', 'postgresql'] as const)
        await admin(
          engine,
          "CREATE TABLE secret (word varchar(40)); INSERT INTO secret VALUES ('of the neighbour');",
          NEIGHBOUR,
        );
    });
    const putDump = (name: string, sql: string): Promise<void> =>
      stand.node.writeFile(`${FOLDER}/mariadb--${NAME}--${name}.gz`, gzipSync(sql), 0o600);
    const restore = (label: string) =>
      stand.actions.apply('database.restore', { engine: 'mariadb', name: NAME, label });
    const discard = () => apply('database.discard', { engine: 'mariadb', name: NAME, which: 'side' });

    it('an underscore in GRANT does not open a neighbour; control: unescaped it does', async () => {
      // One character further on: what an unescaped w4a100011_shop matches.
      await admin(
        'mariadb',
        "CREATE DATABASE w4a100010xshop; CREATE TABLE w4a100010xshop.secret (word text); INSERT INTO w4a100010xshop.secret VALUES ('of the neighbour');",
      );
      const steal = () => customer('mariadb', 'SELECT word FROM w4a100010xshop.secret;');
      expect(await steal()).toMatch(/^refused/);
      await admin('mariadb', `GRANT ALL ON \`${NAME}\`.* TO '${USER}'@'localhost';`);
      expect(await steal()).toBe('of the neighbour');
      const { data, notes } = expectDone(await stand.actions.plan('database.list', { engine: 'mariadb' }));
      expect(data).toMatchObject({ wideGrants: [`${USER}@localhost on ${NAME}`] });
      expect(notes.join()).toContain('A wildcard opens more than one database');
      await admin('mariadb', `REVOKE ALL ON \`${NAME}\`.* FROM '${USER}'@'localhost'; DROP DATABASE w4a100010xshop;`);
    });

    it('a line \\! in a dump starts nothing; control: the plain client runs it as root', async () => {
      const evil = String.raw`\! /usr/bin/touch /etc/owned` + '\nSELECT 1;\n';
      await putDump('evil', evil);
      await restore('evil');
      expect(await stand.node.exists('/etc/owned')).toBe(false);
      await admin('mariadb', evil);
      expect(await stand.node.exists('/etc/owned')).toBe(true);
      await stand.node.mustRun('/usr/bin/rm', ['/etc/owned']);
      await discard();
    });

    it.each([
      ['USE and DROP of another database', `USE ${NEIGHBOUR}; DROP TABLE secret;`],
      ['reading another database', `CREATE TABLE loot AS SELECT * FROM ${NEIGHBOUR}.secret;`],
      ['the live database', `DROP TABLE ${NAME}.t;`],
      ['reading a file of the server', "CREATE TABLE f (x text); LOAD DATA INFILE '/etc/passwd' INTO TABLE f;"],
      ['reading a file of the client', "CREATE TABLE f (x text); LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE f;"],
      ['writing a file', "SELECT 'x' INTO OUTFILE '/tmp/owned';"],
      ['making a user', 'CREATE USER evil@localhost; GRANT ALL ON *.* TO evil@localhost;'],
      ['a view with the rights of root', `CREATE DEFINER=root@localhost VIEW v AS SELECT * FROM ${NEIGHBOUR}.secret;`],
      ['the client’s source', 'source /etc/passwd\n'],
      ['the client’s system', 'system touch /etc/owned\n'],
    ])('a dump with %s is refused and leaves nothing', async (_, sql) => {
      const before = await serverState();
      await putDump('evil', sql);
      expect(await restore('evil')).toMatchObject({ ok: false, code: 'PROGRAM_FAILED', problems: [] });
      expect(await serverState()).toBe(before);
      expect(await admin('mariadb', 'SELECT word FROM secret;', NEIGHBOUR)).toBe('of the neighbour');
      expect(await stand.node.exists('/etc/owned')).toBe(false);
    });

    it('control: loaded by root, a dump with USE drops the neighbour’s table', async () => {
      await admin('mariadb', `USE ${NEIGHBOUR}; CREATE TABLE victim (id int); USE ${NAME};`);
      await admin('mariadb', `USE ${NEIGHBOUR}; DROP TABLE victim;`, NAME);
      expect(await admin('mariadb', 'SHOW TABLES;', NEIGHBOUR)).toBe('secret');
    });

    it('a dump that would fill the disk is stopped before, and what it loaded is removed', async () => {
      const before = await serverState();
      // Members of gzip, one after the other: small here, 0.7 GB there.
      const row = gzipSync(`INSERT INTO big VALUES ('${'x'.repeat(900_000)}');\n`);
      const members = [gzipSync('CREATE TABLE big (x longtext);\n'), ...Array.from({ length: 800 }, () => row)];
      await stand.node.writeFile(`${FOLDER}/mariadb--${NAME}--bomb.gz`, Buffer.concat(members), 0o600);
      expect(await restore('bomb')).toMatchObject({
        ok: false,
        code: 'FILE_FAILED',
        detail: expect.stringContaining('nearly full'),
      });
      expect(await serverState()).toBe(before);
      expect(await customer('mariadb', 'SELECT count(*) FROM t;')).toBe('2');
    });

    it.each(['test; shutdown', 'a`b_c', '../x_y', 'information_schema'])(
      'the database name %j is refused',
      async (name) => {
        for (const engine of ['mariadb', 'postgresql'])
          expect(await stand.actions.apply('database.create', { engine, name })).toMatchObject({
            ok: false,
            code: 'ACTION_ARGUMENTS',
          });
        // And by the drivers, which believe no plan.
        for (const id of [`mariadb/${name}`, `postgresql/${name}`]) {
          const change = { kind: 'resource', resource: 'database.database', id, before: null, after: null } as const;
          expect(await stand.actions.call({ mode: 'states', changes: [change] })).toMatchObject({
            ok: false,
            code: 'ACTION_REFUSED',
          });
        }
      },
    );

    it('an archive of PostgreSQL can start no program and reach no other database; control: loaded by the superuser it does', async () => {
      const engine = 'postgresql';
      // The check is made for each row that is loaded, with the rights of who loads.
      const run = (body: string): string =>
        `CREATE OR REPLACE FUNCTION public.run() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN 1; END $$;`;
      const evil = "EXECUTE 'COPY (SELECT 1) TO PROGRAM ''/usr/bin/touch /tmp/pg-owned''';";
      expect(
        await customer(
          engine,
          `${run('')} CREATE TABLE trap (id integer, CHECK (public.run() = 1)); INSERT INTO trap VALUES (1); ${run(evil)}`,
        ),
      ).toBe('');
      await apply('database.dump', { engine, name: NAME, label: 'trap' });
      expect(await stand.actions.apply('database.restore', { engine, name: NAME, label: 'trap' })).toMatchObject({
        ok: false,
        code: 'PROGRAM_FAILED',
        detail: expect.stringContaining('pg_execute_server_program'),
        problems: [],
      });
      expect(await stand.node.exists('/tmp/pg-owned')).toBe(false);
      await admin(engine, 'CREATE DATABASE control;');
      const unpacked = await stand.node.mustRun('/usr/bin/gzip', ['-dk', `${FOLDER}/postgresql--${NAME}--trap.gz`]);
      expect(unpacked.code).toBe(0);
      await stand.node.mustRun('/usr/bin/install', ['-m', '644', `${FOLDER}/postgresql--${NAME}--trap`, '/tmp/trap']);
      const [, , uid, gid] = (await stand.node.mustRun('/usr/bin/getent', ['passwd', 'postgres'])).stdout.split(':');
      await stand.node.run('/usr/bin/pg_restore', ['-h', '/var/run/postgresql', '-O', '-d', 'control', '/tmp/trap'], {
        as: { uid: Number(uid), gid: Number(gid) },
      });
      expect(await stand.node.exists('/tmp/pg-owned')).toBe(true);
    });

    it('users of one account reach no database of another', async () => {
      for (const engine of ['mariadb', 'postgresql'] as const)
        expect(await customer(engine, 'SELECT word FROM secret;', NEIGHBOUR)).toMatch(/^refused/);
    });
  });
});
