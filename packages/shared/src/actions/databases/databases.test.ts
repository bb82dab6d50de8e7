import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import { applyChanges, parseActionArguments, revertChanges, type Planned } from '../index.ts';
import type { DatabaseFacts, DumpFacts } from './database-host.ts';
import { DATABASE_ACTIONS } from './index.ts';

const HASH = `*${'A'.repeat(40)}`;
const SCRAM = `SCRAM-SHA-256$4096:${'c'.repeat(22)}==$${'a'.repeat(43)}=:${'b'.repeat(43)}=`;
const place = { engine: 'mariadb', name: 'w4a100010_shop' } as const;
const user = { engine: 'mariadb', user: 'w4a100010_web' } as const;
const FACTS: DatabaseFacts = { tables: 2, programs: 0, sizeBytes: 100, users: ['w4a100010_web@localhost'] };
const DUMP: DumpFacts = { file: '/x.gz', sizeBytes: 9, sha256: 'ab', tables: 2 };

const find = (name: string) => DATABASE_ACTIONS.find((action) => action.name === name)!;

function parse(name: string, args: unknown): unknown {
  const parsed = parseActionArguments(find(name), args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.args;
}

/** A server with one database, one user with all rights on it, and what the tasks do to it. */
function createServer(): FakeHost {
  const host = createFakeHost();
  const { resources, answers, tasks } = host.world;
  const has = (resource: Parameters<typeof resourceKey>[0], id: string): boolean =>
    resources.has(resourceKey(resource, id));
  resources.set(resourceKey('database.database', 'mariadb/w4a100010_shop'), {
    charset: 'utf8mb4',
    collation: 'utf8mb4_unicode_ci',
    owner: '',
  });
  resources.set(resourceKey('database.user', 'mariadb/w4a100010_web@localhost'), {
    passwordHash: HASH,
    maxConnections: 30,
  });
  resources.set(resourceKey('database.grant', 'mariadb/w4a100010_shop/w4a100010_web@localhost'), { rights: 'all' });
  answers['database.facts'] = ({ engine, name, which }) => {
    const isThere =
      which === 'live'
        ? has('database.database', `${engine}/${name}`)
        : which === 'side' && has('database.side', `${engine}/${name}`);
    return isThere ? FACTS : null;
  };
  answers['database.user-databases'] = () =>
    has('database.grant', 'mariadb/w4a100010_shop/w4a100010_web@localhost') ? ['w4a100010_shop'] : [];
  answers['database.dump-facts'] = ({ engine, name, label }) =>
    has('database.dump', `${engine}/${name}/${label}`) ? DUMP : null;
  answers['database.list'] = () => ({ databases: [], users: [], wideGrants: ['x@localhost on a_b'] });
  tasks['database.keep-dump'] = ({ engine, name, label }) =>
    void resources.set(resourceKey('database.dump', `${engine}/${name}/${label}`), { kept: true });
  return host;
}

async function plan(host: FakeHost, name: string, args: unknown): Promise<Planned> {
  return find(name).plan(host, parse(name, args));
}
async function changesOf(host: FakeHost, name: string, args: unknown) {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}

const withDump = (host: FakeHost): void =>
  void host.world.resources.set(resourceKey('database.dump', 'mariadb/w4a100010_shop/friday'), { kept: true });

const SCENES: readonly [string, unknown, ((host: FakeHost) => void)?][] = [
  ['database.create', { engine: 'postgresql', name: 'w4a100010_new' }],
  ['database-user.create', { engine: 'postgresql', user: 'w4a100010_new', passwordHash: SCRAM }],
  ['database-user.set-password', { ...user, passwordHash: `*${'B'.repeat(40)}` }],
  ['database-user.drop', user],
  ['database.grant', { ...place, ...user, rights: 'read' }],
  ['database.revoke', { ...place, ...user }],
  ['database.dump', { ...place, label: 'monday' }],
  ['database.restore', { ...place, label: 'friday' }, withDump],
  [
    'database.swap',
    place,
    (host) =>
      void host.world.resources.set(resourceKey('database.live', 'mariadb/w4a100010_shop'), { live: 'original' }),
  ],
];

describe.each(SCENES)('%s', (name, args, prepare) => {
  const scene = (): FakeHost => {
    const host = createServer();
    prepare?.(host);
    return host;
  };

  it('does what it plans; twice is once; undo leaves the server as it was', async () => {
    const host = scene();
    const before = host.snapshot();
    const changes = await changesOf(host, name, args);
    expect(host.snapshot()).toBe(before);
    await applyChanges(host, changes);
    expect((await find(name).verify(host, parse(name, args), changes)).filter((check) => !check.ok)).toEqual([]);
    expect(await changesOf(host, name, args)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('goes back after a crash at any effect', async () => {
    const made = () => {
      const host = scene();
      return { host, changes: () => changesOf(host, name, args) };
    };
    expect(await sweepCrashes(made)).toEqual([]);
  });
});

describe('database.drop', () => {
  it('keeps a dump, takes rights away first, and undo fills the database again', async () => {
    const host = createServer();
    const changes = await changesOf(host, 'database.drop', place);
    await applyChanges(host, changes);
    expect(host.effects.map((effect) => effect.split(' ')[0])).toEqual([
      'database.keep-dump',
      'database.grant',
      'database.clear',
      'database.database',
    ]);
    expect((await find('database.drop').verify(host, place, changes)).every((check) => check.ok)).toBe(true);
    expect(await changesOf(host, 'database.drop', place)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.effects.slice(4).map((effect) => effect.split(' ')[0])).toEqual([
      'database.database',
      'database.fill-if-empty',
      'database.grant',
      'database.tidy',
    ]);
  });

  it('refuses to overwrite a dump that is kept', async () => {
    const host = createServer();
    withDump(host);
    expect(await plan(host, 'database.drop', { ...place, label: 'friday' })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('another label'),
    });
  });
});

describe('database.discard', () => {
  it('says that nobody can take it back', async () => {
    const host = createServer();
    host.world.resources.set(resourceKey('database.side', 'mariadb/w4a100010_shop'), { dump: 'friday' });
    const args = { ...place, which: 'side' } as const;
    host.world.tasks['database.discard'] = () =>
      void host.world.resources.delete(resourceKey('database.side', 'mariadb/w4a100010_shop'));
    const changes = await changesOf(host, 'database.discard', args);
    await applyChanges(host, changes);
    expect((await find('database.discard').verify(host, args, changes)).every((check) => check.ok)).toBe(true);
    expect(await changesOf(host, 'database.discard', args)).toEqual([]);
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });
});

describe('refusals', () => {
  it.each<[string, string, unknown, ((host: FakeHost) => void) | null, RegExp]>([
    [
      'rights given by hand',
      'database.grant',
      { ...place, ...user, rights: 'all' },
      (host) =>
        void host.world.resources.set(resourceKey('database.grant', 'mariadb/w4a100010_shop/w4a100010_web@localhost'), {
          rights: 'other',
        }),
      /by hand/,
    ],
    [
      'a user of the server itself',
      'database-user.drop',
      user,
      (host) =>
        void host.world.resources.set(resourceKey('database.user', 'mariadb/w4a100010_web@localhost'), {
          passwordHash: 'unknown',
          maxConnections: 0,
        }),
      /password of its own/,
    ],
    [
      'a user that is there',
      'database-user.create',
      { ...user, passwordHash: `*${'C'.repeat(40)}` },
      null,
      /set-password/,
    ],
    ['a dump that is not there', 'database.restore', { ...place, label: 'never' }, null, /no dump never/],
    ['a swap without a restore', 'database.swap', place, null, /database\.restore first/],
    [
      'views in MariaDB',
      'database.swap',
      place,
      (host) => {
        host.world.resources.set(resourceKey('database.live', 'mariadb/w4a100010_shop'), { live: 'original' });
        host.world.answers['database.facts'] = () => ({ ...FACTS, programs: 1 });
      },
      /can not move/,
    ],
    [
      'another database of that name',
      'database.create',
      { engine: 'postgresql', name: 'w4a100010_x' },
      (host) =>
        void host.world.resources.set(resourceKey('database.database', 'postgresql/w4a100010_x'), {
          charset: 'LATIN1',
          collation: 'C',
          owner: 'bob',
        }),
      /is there, with LATIN1 C bob/,
    ],
  ])('%s', async (_, name, args, arrange, wanted) => {
    const host = createServer();
    arrange?.(host);
    const planned = await plan(host, name, args);
    expect(planned.ok ? 'planned' : planned.detail).toMatch(wanted);
  });

  it.each([
    'test; shutdown',
    'a_b_c',
    'ab_c',
    'w4a__x',
    '_x',
    'w4a_',
    'mysql_x',
    'information_schema',
    'root_x',
    'W4A_x',
    'w4a%_x',
    'w4a`_x',
    "w4a'_x",
    'w4a_x\n',
    'é_x',
    '../w4a_x',
    '-w4a_x',
    `w4a_${'x'.repeat(41)}`,
  ])('the database name %j', (name) => {
    expect(parseActionArguments(find('database.create'), { engine: 'mariadb', name }).ok).toBe(false);
  });

  it.each(['%', '10.%', '10.1.2.3.4', '256.1.1.1', "x' OR '1", 'localhost%', '::1', ''])('the host %j', (from) => {
    expect(parseActionArguments(find('database-user.drop'), { ...user, host: from }).ok).toBe(false);
  });

  it.each(['secret', `*${'a'.repeat(40)}`, `*${'A'.repeat(39)}`, `*${'A'.repeat(40)}'`, SCRAM, 'md5abc', ''])(
    'the hash %j for MariaDB',
    (passwordHash) => {
      expect(parseActionArguments(find('database-user.create'), { ...user, passwordHash }).ok).toBe(false);
    },
  );

  it('what belongs to the other engine', () => {
    const postgresql = { engine: 'postgresql', user: 'w4a100010_web' } as const;
    expect(parseActionArguments(find('database-user.create'), { ...postgresql, passwordHash: HASH }).ok).toBe(false);
    expect(parseActionArguments(find('database-user.drop'), { ...postgresql, host: 'localhost' }).ok).toBe(false);
    expect(
      parseActionArguments(find('database.grant'), { ...postgresql, name: 'w4a100010_shop', rights: 'read' }).ok,
    ).toBe(false);
  });

  it('shows no hash to people', async () => {
    const changes = await changesOf(createServer(), 'database-user.set-password', {
      ...user,
      passwordHash: `*${'B'.repeat(40)}`,
    });
    const { describeChange } = await import('../index.ts');
    expect(JSON.stringify(changes.map((change) => describeChange(change)))).not.toMatch(/A{40}|B{40}/);
  });

  it('list says which grants open more than one database', async () => {
    expect(await plan(createServer(), 'database.list', { engine: 'mariadb' })).toMatchObject({
      ok: true,
      notes: [expect.any(String), expect.stringContaining('x@localhost on a_b')],
    });
  });
});
