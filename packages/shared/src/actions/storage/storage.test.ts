import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  checkPath,
  parseActionArguments,
  revertChanges,
  type ActionDefinition,
  type Change,
  type Planned,
  type SnapshotRow,
  type SourceFacts,
} from '../index.ts';
import { classOf, snapshotOfPeriod } from './snapshot-id.ts';

const NAME = 'w4a100010';
const UID = 100_010;
const ROOT = { type: 'directory', mode: 0o755, uid: 0, gid: 0 } as const;
const SOURCE: SourceFacts = { type: 'file', entries: 1, sizeBytes: 3_000_000, diskBytes: 3_000_000, leftOut: {} };
const at = (text: string): number => Date.parse(text);

function createNode(source: SourceFacts | null = SOURCE): FakeHost {
  const host = createFakeHost();
  const { world } = host;
  world.users.set(NAME, { name: NAME, uid: UID, gid: UID, comment: '', home: `/srv/vol1/${NAME}`, shell: '/x' });
  for (const path of ['/srv', '/srv/vol1', `/srv/vol1/${NAME}`, `/srv/vol1/${NAME}/backups`])
    world.files.set(path, ROOT);
  world.resources.set(resourceKey('storage.placed', `${NAME}/r1`), { live: 'original' });
  world.answers['storage.store'] = () => ({ usable: true, says: '' });
  world.answers['storage.source'] = () => source;
  world.answers['storage.target'] = () => ({ type: 'file', freeBytes: 1e12 });
  world.answers['storage.snapshots'] = () => [];
  world.answers['account.quota-facts'] = () => ({ kind: 'btrfs', usedMiB: 10, says: '' });
  return host;
}

function find(name: string): ActionDefinition {
  const action = ACTIONS.get(name);
  if (action === undefined) throw new Error(name);
  return action;
}
async function plan(host: FakeHost, name: string, args: object): Promise<Planned> {
  const parsed = parseActionArguments(find(name), { name: NAME, ...args });
  if (!parsed.ok) throw new Error(parsed.problem);
  return find(name).plan(host, parsed.args);
}
async function changesOf(host: FakeHost, name: string, args: object): Promise<readonly Change[]> {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const rowsOf = (...names: readonly string[]): readonly SnapshotRow[] =>
  names.map((snapshot) => ({ snapshot, createdAtMs: 0, readOnly: true }));

const inPlace = { snapshot: 'daily-2026-11-20', path: 'a.php', mode: 'in-place', label: 'r1' } as const;
const CASES: readonly [string, object][] = [
  ['snapshot.create', { class: 'daily' }],
  ['storage.restore-file', inPlace],
  ['snapshot.create', { class: 'daily', store: 'zfs' }],
  ['storage.restore-file', { ...inPlace, store: 'zfs' }],
  ['storage.restore-file', { ...inPlace, mode: 'beside' }],
];
describe('names of snapshots', () => {
  it.each([
    ['hourly', '2026-11-22T14:59:59Z', 'hourly-2026-11-22t14'],
    ['daily', '2026-11-22T23:59:59Z', 'daily-2026-11-22'],
    ['weekly', '2026-11-22T23:59:59Z', 'weekly-2026-w47'],
    ['weekly', '2026-11-23T00:00:00Z', 'weekly-2026-w48'],
    ['weekly', '2027-01-03T12:00:00Z', 'weekly-2026-w53'],
    ['weekly', '2024-12-30T00:00:00Z', 'weekly-2025-w01'],
    ['monthly', '2026-11-30T23:00:00Z', 'monthly-2026-11'],
  ] as const)('%s at %s', (name, when, wanted) => {
    expect(snapshotOfPeriod(name, at(when))).toBe(wanted);
    expect(classOf(wanted)).toBe(name);
  });
});

describe('snapshots and restores', () => {
  it.each(CASES)('%s is applied, found in place the second time, and taken back: %j', async (name, args) => {
    const host = createNode();
    const before = host.snapshot();
    const changes = await changesOf(host, name, args);
    await applyChanges(host, changes);
    expect(await changesOf(host, name, args)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it.each(CASES)('%s, killed at each effect, is undone: %j', async (name, args) => {
    const scene = () => {
      const host = createNode();
      return { host, changes: () => changesOf(host, name, args) };
    };
    expect(await sweepCrashes(scene)).toEqual([]);
  });

  it('a home that is full gets its snapshot without the link', async () => {
    const host = createNode();
    host.world.resources.set(resourceKey('account.quota', NAME), { hardMiB: 10 });
    const planned = await plan(host, 'snapshot.create', { class: 'daily' });
    expect(planned).toMatchObject({ ok: true, notes: [expect.stringContaining('is full')] });
    expect(planned.ok && planned.changes.some(({ kind }) => kind === 'symlink')).toBe(false);
  });

  it('verify looks at the snapshot that was planned, also after the full hour', async () => {
    const host = createNode();
    const args = { name: NAME, class: 'hourly' };
    const changes = await changesOf(host, 'snapshot.create', args);
    const asked: unknown[] = [];
    host.world.answers['storage.check'] = (place: unknown) => {
      asked.push(place);
      return { readOnly: true, isOfHome: true, compared: 1, different: 0 };
    };
    const wanted = snapshotOfPeriod('hourly', host.clock.nowMs());
    host.clock.advance(3_600_000);
    expect((await find('snapshot.create').verify(host, args, changes)).every(({ ok }) => ok)).toBe(true);
    expect(asked).toMatchObject([{ snapshot: wanted }]);
  });

  it.each([
    [{ readOnly: false }, 'It is read-only'],
    [{ isOfHome: false }, 'It is of this home'],
    [{ different: 1 }, 'Files read from it'],
  ])('verify fails: %j', async (wrong, failing) => {
    const host = createNode();
    host.world.answers['storage.check'] = () => ({
      readOnly: true,
      isOfHome: true,
      compared: 1,
      different: 0,
      ...wrong,
    });
    const checks = await find('snapshot.create').verify(host, { name: NAME, class: 'daily' }, []);
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([failing]);
  });

  it.each([
    [{ onDisk: 'b' }, 'It is as in the snapshot'],
    [{ inSnapshot: 'b' }, 'It is as in the snapshot'],
    [{}, 'It is in place'],
  ])('verify of a restore fails: %j', async (wrong, failing) => {
    const host = createNode();
    const live = failing === 'It is in place' ? 'original' : 'restored';
    host.world.resources.set(resourceKey('storage.placed', `${NAME}/r1`), { live });
    host.world.answers['storage.restore-facts'] = () => ({
      ...{ noted: 'a', inSnapshot: 'a', onDisk: null, entries: 1, keepsOriginal: true },
      ...wrong,
    });
    const checks = await find('storage.restore-file').verify(host, { name: NAME, ...inPlace }, []);
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([failing]);
  });

  it('what is left out is said in the plan', async () => {
    const leftOut = { 'links that lead out of var/www': 2 };
    expect(await plan(createNode({ ...SOURCE, leftOut }), 'storage.restore-file', inPlace)).toMatchObject({
      notes: expect.arrayContaining(['Left out: 2 links that lead out of var/www.']),
    });
  });
});

describe('snapshot.prune', () => {
  const prune = async (rows: readonly SnapshotRow[], args: object): Promise<readonly string[]> => {
    const host = createNode();
    host.world.answers['storage.snapshots'] = () => rows;
    for (const { snapshot } of rows)
      host.world.resources.set(resourceKey('storage.snapshot', `btrfs/${NAME}/${snapshot}`), { readOnly: true });
    const changes = await changesOf(host, 'snapshot.prune', args);
    return changes.map((change) => ('id' in change ? (change.id.split('/')[2] ?? '') : ''));
  };
  const rows = rowsOf('daily-2026-11-20', 'daily-2026-11-22', 'daily-2026-11-21', 'manual-a', 'weekly-2026-w47');

  it('keeps the newest by name, never touches manual ones or classes that are not named', async () => {
    expect(await prune(rows, { keep: { daily: 1 } })).toEqual(['daily-2026-11-20', 'daily-2026-11-21']);
    expect(await prune(rows, { keep: { daily: 3, weekly: 1 } })).toEqual([]);
    expect(await prune(rows, { keep: {}, also: ['manual-a', 'manual-gone'] })).toEqual(['manual-a']);
  });

  it('a keep of 0 is refused: it would remove a class', () => {
    expect(parseActionArguments(find('snapshot.prune'), { name: NAME, keep: { daily: 0 } }).ok).toBe(false);
  });
});

describe('refusals', () => {
  it.each<[string, string, object, (host: FakeHost) => void, RegExp]>([
    [
      'a restore without room under the limit',
      'storage.restore-file',
      inPlace,
      (host) => void host.world.resources.set(resourceKey('account.quota', NAME), { hardMiB: 12 }),
      /it takes 3 MiB, and w4a100010 uses 10 of 12 MiB/,
    ],
    [
      'a restore without room on the disk',
      'storage.restore-file',
      inPlace,
      (host) => void (host.world.answers['storage.target'] = () => ({ type: 'file', freeBytes: 258e6 })),
      /the disk has 247 MiB free/,
    ],
    [
      'snapshots of an earlier account of that name',
      'storage.restore-file',
      inPlace,
      (host) => void host.world.files.set(`/srv/vol1/.snapshots/${NAME}`, { ...ROOT, gid: 100_999 }),
      /earlier account/,
    ],
    [
      'a link where the snapshots should lie',
      'snapshot.create',
      { class: 'daily' },
      (host) => void host.world.files.set(`/srv/vol1/.snapshots/${NAME}`, { type: 'symlink', target: '/etc' }),
      /it is no directory/,
    ],
    [
      'a folder where a file was',
      'storage.restore-file',
      inPlace,
      (host) => void (host.world.answers['storage.target'] = () => ({ type: 'directory', freeBytes: 1e12 })),
      /is no file any more/,
    ],
    [
      'a file as a folder',
      'storage.restore-directory',
      inPlace,
      () => undefined,
      /is a file: use storage\.restore-file/,
    ],
    [
      'what is not in the snapshot',
      'storage.restore-file',
      inPlace,
      (host) => void (host.world.answers['storage.source'] = () => null),
      /is not in daily-2026-11-20/,
    ],
    [
      'a home that can not be kept',
      'snapshot.create',
      { class: 'daily' },
      (host) => void (host.world.answers['storage.store'] = () => ({ usable: false, says: 'no btrfs here' })),
      /no btrfs here/,
    ],
    [
      'an account that is not there',
      'storage.discard',
      { name: 'w4a100099', label: 'a' },
      () => undefined,
      /not exist/,
    ],
  ])('%s', async (_, name, args, arrange, wanted) => {
    const host = createNode();
    arrange(host);
    const planned = await plan(host, name, args);
    expect(planned.ok ? 'planned' : planned.detail).toMatch(wanted);
  });

  it.each([
    '../x',
    'a/../../x',
    '..',
    '.',
    './a',
    'a/./b',
    'a//b',
    '/etc/passwd',
    'a/',
    '',
    'a\0b',
    'a\nb',
    'a\u2028b',
    'x'.repeat(256),
    `${'x/'.repeat(600)}x`,
    'ä'.repeat(128),
  ])('the path %j', (path) => {
    expect(parseActionArguments(find('storage.restore-file'), { name: NAME, ...inPlace, path }).ok).toBe(false);
  });

  it.each([
    ['a NUL', 'a\0b'],
    ['a NUL alone', '\0'],
    ['a newline', 'a\nb'],
    ['an end of a line of another script', 'a\u2028b'],
  ])('an attack on a driver that brings %s in a path', (_attack, path) => {
    expect(checkPath(path)).toBe('path must not hold control characters');
  });

  it.each(['shop/config.php', '-rf', '$(id)', 'a b', 'ä', '...', '*'])('but not the path %j', (path) => {
    expect(parseActionArguments(find('storage.restore-file'), { name: NAME, ...inPlace, path }).ok).toBe(true);
  });

  it.each([
    '../../etc',
    'manual-../x',
    'manual-',
    '-manual-a',
    'pool@manual-a',
    'daily-2026-11-2',
    'hourly-2026-11-22T14',
    'manual-a\n',
    'latest',
    '',
    `manual-${'a'.repeat(41)}`,
  ])('the snapshot %j', (snapshot) => {
    expect(parseActionArguments(find('storage.restore-file'), { name: NAME, ...inPlace, snapshot }).ok).toBe(false);
  });

  it.each(['', '..', 'a/b', 'A', '-a', 'a-', 'a b', 'a\0', 'a'.repeat(41)])('the label %j', (label) => {
    for (const [name, args] of [
      ['snapshot.create', { class: 'manual' }],
      ['storage.restore-file', inPlace],
      ['storage.discard', {}],
    ] as const)
      expect(parseActionArguments(find(name), { name: NAME, ...args, label }).ok).toBe(false);
  });

  it.each(['root', '../evil', 'w4a 1', '-w4a', 'W4A', 'w4a;id', 'w4a\0'])('the account %j', (name) => {
    for (const [action, args] of [...CASES, ['snapshot.list', {}], ['snapshot.prune', { keep: {} }]] as const)
      expect(parseActionArguments(find(action), { ...args, name }).ok).toBe(false);
  });

  it('a label without class manual, and class manual without a label', () => {
    for (const args of [{ class: 'daily', label: 'a' }, { class: 'manual' }])
      expect(parseActionArguments(find('snapshot.create'), { name: NAME, ...args }).ok).toBe(false);
  });
});
