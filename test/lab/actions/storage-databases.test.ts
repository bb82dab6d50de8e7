import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { labRequirements } from '../requirements.ts';
import { standDatabaseNode, type DatabaseNode } from './database-node.ts';
import { expectDone } from './hosting-node.ts';

const lab = labRequirements();
const NAME = 'w4a100010_shop';
const FOLDER = '/var/backups/hosting/w4a100010';
const FRIDAY = 'manual-friday';

describe.skipIf(!lab.ok)('databases brought back to a chosen time', () => {
  let stand: DatabaseNode;
  beforeAll(async () => {
    stand = await standDatabaseNode({ name: 'storage-db', sizeMiB: 640 });
  }, 120_000);
  afterAll(() => stand.node.destroy());

  const apply = async (action: string, args: object) => expectDone(await stand.actions.apply(action, args));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']): Promise<void> =>
    expect(expectDone(await stand.actions.call({ mode: 'undo', changes })).problems).toEqual([]);
  const dumps = async (): Promise<string> => (await stand.node.run('/usr/bin/ls', ['-A', FOLDER])).stdout;

  describe.each(['mariadb', 'postgresql'] as const)('%s', (engine) => {
    const place = { engine, name: NAME } as const;
    const sql = (text: string, database = NAME): Promise<string> =>
      engine === 'mariadb'
        ? stand.mariadb(text, [`--database=${database}`])
        : stand.psql(`SET ROLE ${NAME}_owner; ${text}`, database);
    const words = (): Promise<string> => sql('SELECT word FROM t ORDER BY word;');
    /** Databases of hosting, and what the live one holds. */
    const state = async (): Promise<string> => {
      const names =
        engine === 'mariadb'
          ? await stand.mariadb(
              "SELECT schema_name, schema_comment FROM information_schema.schemata WHERE schema_name LIKE 'w4a%' ORDER BY 1;",
            )
          : await stand.psql(
              "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE 'w4a%' ORDER BY 1;",
            );
      return `${names}\n${await words()}\n${await dumps()}`;
    };
    const restore = { ...place, snapshot: FRIDAY, mode: 'in-place' } as const;

    it('is kept by period: as planned, once, undone, pruned by class', async () => {
      await apply('database.create', place);
      await sql("CREATE TABLE t (word varchar(20)); INSERT INTO t VALUES ('friday');");
      const before = await state();
      const args = { ...place, class: 'hourly' } as const;
      const planned = expectDone(await stand.actions.plan('snapshot.create-database', args));
      expect(await state()).toBe(before);
      const done = await apply('snapshot.create-database', args);
      expect(done.changes).toEqual(planned.changes);
      expect((await apply('snapshot.create-database', args)).changes).toEqual([]);
      await undo(done.changes);
      expect(await state()).toBe(before);
      await apply('snapshot.create-database', { ...place, class: 'manual', label: 'friday' });
      await apply('database.dump', { ...place, label: 'mine' });
      for (const day of ['01', '02', '03']) await apply('database.dump', { ...place, label: `daily-2026-11-${day}` });
      const pruned = await apply('snapshot.prune-database', { ...place, keep: { daily: 1, hourly: 1 } });
      expect(pruned.titles).toEqual([
        `Remove dump ${engine}/${NAME}/daily-2026-11-01 (can not be undone)`,
        `Remove dump ${engine}/${NAME}/daily-2026-11-02 (can not be undone)`,
      ]);
      expect((await apply('snapshot.prune-database', { ...place, keep: { daily: 1 } })).changes).toEqual([]);
      const left = (await dumps()).split('\n').filter((file) => file.startsWith(engine) && file.endsWith('.gz'));
      expect(left).toEqual(['daily-2026-11-03', FRIDAY, 'mine'].map((label) => `${engine}--${NAME}--${label}.gz`));
    });

    it('comes back in place, once; undo brings what was live back', async () => {
      await sql("DELETE FROM t; INSERT INTO t VALUES ('today');");
      const before = await state();
      const planned = expectDone(await stand.actions.plan('storage.restore-database', restore));
      expect(await state()).toBe(before);
      const done = await apply('storage.restore-database', restore);
      expect(done.changes).toEqual(planned.changes);
      expect(await words()).toBe('friday');
      expect((await apply('storage.restore-database', restore)).changes).toEqual([]);
      await undo(done.changes);
      expect(await state()).toBe(before);
    });

    it('beside it the live one stays; put in place afterwards', async () => {
      const before = await state();
      const beside = await apply('storage.restore-database', { ...restore, mode: 'beside' });
      expect(await words()).toBe('today');
      expect((await apply('storage.restore-database', { ...restore, mode: 'beside' })).changes).toEqual([]);
      const placed = await apply('storage.restore-database', restore);
      expect(await words()).toBe('friday');
      await undo(placed.changes);
      expect(await words()).toBe('today');
      await undo(beside.changes);
      expect(await state()).toBe(before);
    });

    it('killed at each step it is as before', async () => {
      const before = await state();
      const { changes } = expectDone(await stand.actions.plan('storage.restore-database', restore));
      for (let dieAt = 1; dieAt < changes.length; dieAt += 1)
        for (let round = 0; round < 2; round += 1) {
          await stand.actions.apply('storage.restore-database', restore, { dieAt }).catch(() => null);
          await undo(changes);
          expect(await state(), `killed at ${dieAt}`).toBe(before);
        }
    });

    it('a dump that was changed since is refused, and nothing is exchanged', async () => {
      const file = `${FOLDER}/${engine}--${NAME}--daily-2026-11-03.gz`;
      await stand.node.writeFile(file, gzipSync('DROP TABLE t;'), 0o600);
      const before = await state();
      expect(
        await stand.actions.apply('storage.restore-database', { ...restore, snapshot: 'daily-2026-11-03' }),
      ).toMatchObject({ ok: false, detail: expect.stringContaining('checksum'), problems: [] });
      expect(await state()).toBe(before);
    });

    it('a time of which nothing is kept is said so', async () => {
      expect(
        await stand.actions.plan('storage.restore-database', { ...restore, snapshot: 'daily-2020-01-01' }),
      ).toMatchObject({ ok: false, detail: `there is no daily-2020-01-01 of ${NAME}` });
    });
  });

  it('a view in the dump is not lost in an exchange that MariaDB can not do: it is refused and undone', async () => {
    const place = { engine: 'mariadb', name: 'w4a100010_view' } as const;
    await apply('database.create', place);
    const sql = (text: string): Promise<string> => stand.mariadb(text, [`--database=${place.name}`]);
    await sql('CREATE TABLE t (id integer);');
    await apply('snapshot.create-database', { ...place, class: 'manual', label: 'view' });
    const view = 'CREATE TABLE t (id integer);\nCREATE SQL SECURITY INVOKER VIEW v AS SELECT id FROM t;\n';
    const file = `${FOLDER}/mariadb--${place.name}--manual-view.gz`;
    await stand.node.writeFile(file, gzipSync(view), 0o600);
    await stand.node.run('/usr/bin/rm', [`${file}.json`]);
    const restore = { ...place, snapshot: 'manual-view', mode: 'in-place' } as const;
    expect(await stand.actions.apply('storage.restore-database', restore)).toMatchObject({
      ...{ ok: false, code: 'ACTION_REFUSED', problems: [] },
      detail: expect.stringContaining('MariaDB can not move'),
    });
    expect(
      await sql("SELECT table_name FROM information_schema.tables WHERE table_schema LIKE 'w4a100010_view%';"),
    ).toBe('t');
  });
});
