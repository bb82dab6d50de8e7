import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  parseActionArguments,
  revertChanges,
  type ActionDefinition,
  type Change,
  type DatabaseFacts,
  type Planned,
} from '../index.ts';

const place = { engine: 'mariadb', name: 'w4a100010_shop' } as const;
const ID = 'mariadb/w4a100010_shop';
const FACTS: DatabaseFacts = { tables: 2, programs: 0, sizeBytes: 900, users: [] };
const DUMP = { file: '/var/backups/hosting/x.gz', sizeBytes: 90, sha256: 'a'.repeat(64), tables: 2 };

/** A server whose dumps are the resources of that name. */
function createServer(): FakeHost {
  const host = createFakeHost();
  const { world } = host;
  const keptOf = (label: string): boolean => world.resources.has(resourceKey('database.dump', `${ID}/${label}`));
  world.resources.set(resourceKey('database.placed', ID), { live: 'original' });
  world.answers['database.facts'] = ({ which }) => (which === 'old' ? null : FACTS);
  world.answers['database.dump-facts'] = ({ label }) => (keptOf(label) ? DUMP : null);
  world.answers['database.placed-dump'] = () => {
    const isPlaced = JSON.stringify(world.resources.get(resourceKey('database.placed', ID))).includes('restored');
    const side = world.resources.get(resourceKey('database.side', ID)) as { dump: string } | undefined;
    return isPlaced ? (side?.dump ?? null) : null;
  };
  world.answers['database.dump-labels'] = () =>
    [...world.resources.keys()].flatMap((key) => new RegExp(`^database.dump ${ID}/(.+)$`).exec(key)?.[1] ?? []);
  for (const label of ['daily-2026-11-20', 'daily-2026-11-21', 'manual-friday', 'mine'])
    world.resources.set(resourceKey('database.dump', `${ID}/${label}`), { kept: true });
  return host;
}

function find(name: string): ActionDefinition {
  const action = ACTIONS.get(name);
  if (action === undefined) throw new Error(name);
  return action;
}
async function plan(host: FakeHost, name: string, args: object): Promise<Planned> {
  const parsed = parseActionArguments(find(name), { ...place, ...args });
  if (!parsed.ok) throw new Error(parsed.problem);
  return find(name).plan(host, parsed.args);
}
async function changesOf(host: FakeHost, name: string, args: object): Promise<readonly Change[]> {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const restore = { snapshot: 'manual-friday', mode: 'in-place' } as const;
const CASES: readonly [string, object][] = [
  ['snapshot.create-database', { class: 'weekly' }],
  ['storage.restore-database', restore],
  ['storage.restore-database', { ...restore, mode: 'beside' }],
];

describe('databases by period', () => {
  it.each(CASES)('%s is applied, verified, found in place the second time, and taken back: %j', async (name, args) => {
    const host = createServer();
    const before = host.snapshot();
    const changes = await changesOf(host, name, args);
    await applyChanges(host, changes);
    expect((await find(name).verify(host, { ...place, ...args }, changes)).filter(({ ok }) => !ok)).toEqual([]);
    expect(await changesOf(host, name, args)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it.each(CASES)('%s, killed at each effect, is undone: %j', async (name, args) => {
    const scene = () => {
      const host = createServer();
      return { host, changes: () => changesOf(host, name, args) };
    };
    expect(await sweepCrashes(scene)).toEqual([]);
  });

  it('verify fails for a dump that is not there, of unknown origin, or not in place', async () => {
    const host = createServer();
    const args = { ...place, class: 'daily' };
    const checks = async (name: string, more: object) =>
      (await find(name).verify(host, { ...place, ...more }, [])).map(({ ok }) => ok);
    expect(await checks('snapshot.create-database', args)).toEqual([false]);
    host.world.answers['database.dump-facts'] = () => ({ ...DUMP, sha256: null });
    expect(await checks('snapshot.create-database', args)).toEqual([false]);
    host.world.answers['database.dump-facts'] = () => ({ ...DUMP, tables: 3 });
    expect(await checks('storage.restore-database', restore)).toEqual([false, false]);
  });

  it('prune keeps the newest of a class, manual ones, and labels that are no period', async () => {
    const prune = async (args: object) =>
      (await changesOf(createServer(), 'snapshot.prune-database', args)).map((change) => 'id' in change && change.id);
    expect(await prune({ keep: { daily: 1 } })).toEqual([`${ID}/daily-2026-11-20`]);
    expect(await prune({ keep: { hourly: 1 } })).toEqual([]);
    expect(await prune({ keep: {}, also: ['manual-friday', 'manual-none'] })).toEqual([`${ID}/manual-friday`]);
  });
});

describe('refusals', () => {
  it.each<[string, object, (host: FakeHost) => void, RegExp]>([
    ['a time of which nothing is kept', { snapshot: 'daily-2020-01-01' }, () => undefined, /there is no daily-2020/],
    [
      'the one before the last restore is still there',
      {},
      (host) => void (host.world.answers['database.facts'] = () => FACTS),
      /database\.discard first/,
    ],
    [
      'another one beside it',
      {},
      (host) => void host.world.resources.set(resourceKey('database.side', ID), { dump: 'mine' }),
      /mine is restored beside/,
    ],
    [
      'views in MariaDB',
      {},
      (host) =>
        void (host.world.answers['database.facts'] = ({ which }) =>
          which === 'old' ? null : { ...FACTS, programs: 1 }),
      /can not move/,
    ],
    [
      'a database that is not there',
      {},
      (host) => void (host.world.answers['database.facts'] = () => null),
      /there is no database/,
    ],
  ])('%s', async (_, more, arrange, wanted) => {
    const host = createServer();
    arrange(host);
    const planned = await plan(host, 'storage.restore-database', { ...restore, ...more });
    expect(planned.ok ? 'planned' : planned.detail).toMatch(wanted);
  });

  it.each(['../x', 'mine', '', 'manual-', 'daily-2026-11-20;DROP', 'manual-a\n'])('the snapshot %j', (snapshot) => {
    expect(parseActionArguments(find('storage.restore-database'), { ...place, ...restore, snapshot }).ok).toBe(false);
  });

  it.each([
    { class: 'daily', label: 'a' },
    { class: 'manual' },
    { class: 'manual', label: 'a'.repeat(34) },
    { class: 'yearly' },
    { class: 'manual', label: '../a' },
  ])('the arguments %j', (args) => {
    expect(parseActionArguments(find('snapshot.create-database'), { ...place, ...args }).ok).toBe(false);
  });

  it.each(['mysql_x', "w4a'_x", 'information_schema', '../w4a_x'])('the database %j', (name) => {
    for (const [action, args] of [...CASES, ['snapshot.prune-database', { keep: {} }]] as const)
      expect(parseActionArguments(find(action), { ...place, ...args, name }).ok).toBe(false);
  });
});
