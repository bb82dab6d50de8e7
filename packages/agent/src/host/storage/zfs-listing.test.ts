import { describe, expect, it } from 'vitest';
import { loadHomes, parseMount } from './zfs-homes.ts';
import { LISTING, nameOf, parseZfsListing } from './zfs-listing.ts';

const HOME = 'tank/homes/w4a100010';
const OURS = `${HOME}@hauban-daily-2026-11-22`;

/** As `zfs get -H -p` writes it. */
const lines = (name: string, uid: string, holds = '0'): string =>
  [
    [name, 'creation', '1795382188', '-'],
    [name, 'userrefs', holds, '-'],
    [name, 'hauban:uid', uid, uid === '-' ? '-' : 'local'],
  ]
    .map((fields) => `${fields.join('\t')}\n`)
    .join('');
const read = (...blocks: readonly string[]) => parseZfsListing(blocks.join(''), HOME);

describe('what zfs get says of a dataset', () => {
  it('holds our snapshots, with whose they are and how many hold them', () => {
    expect(read(lines(HOME, '-', '-'), lines(OURS, '100010', '2'), lines(`${HOME}/logs`, '-', '-'))).toEqual({
      rows: [{ snapshot: 'daily-2026-11-22', createdAtMs: 1_795_382_188_000, readOnly: true, uid: 100_010, holds: 2 }],
      names: new Set(['hauban-daily-2026-11-22']),
    });
    expect(read('')).toEqual({ rows: [], names: new Set() });
  });

  it.each([
    ['a name of ours that somebody else gave', lines(OURS, '-')],
    ['a mark that was inherited', lines(OURS, '100010').replace('local', `inherited from ${HOME}`)],
    ['a mark that came with a copy of another pool', lines(OURS, '100010').replace('local', 'received')],
    ['a name of theirs with our mark', lines(`${HOME}@daily-2026-11-22`, '100010')],
    ['a name that only begins as ours', lines(`${HOME}@hauban-daily-2026-11-22x`, '100010')],
    ['a range', lines(`${HOME}@hauban-%`, '100010')],
    ['a list', lines(`${HOME}@hauban-manual-a,b`, '100010')],
    ['a path', lines(`${HOME}@hauban-manual-../../x`, '100010')],
    ['a uid that is no number', lines(OURS, 'root')],
  ])('%s is not ours', (_, text) => {
    const { rows, names } = read(text);
    expect(rows).toEqual([]);
    expect(names.size).toBe(1);
  });

  it.each([
    ['another dataset', lines('tank/homes/w4a100011@hauban-manual-a', '100010')],
    ['a dataset that only begins alike', lines(`${HOME}0@hauban-manual-a`, '100010')],
    ['two @', lines(`${HOME}@hauban-manual-a@b`, '100010')],
    ['an empty name', lines(`${HOME}@`, '100010')],
    ['a tab in a name', lines(`${HOME}@hauban-manual-a\tcreation`, '100010')],
    ['a newline in a name', lines(`${HOME}@hauban-manual\n-a`, '100010')],
    ['a line that was cut off', lines(OURS, '100010').slice(0, -1)],
    ['an error text with a good end', 'cannot open the pool: I/O error\n'],
    ['a property twice', lines(OURS, '100010') + lines(OURS, '100011')],
    ['a time that is none', lines(OURS, '100010').replace('1795382188', 'Sun Nov 22')],
    ['no time', lines(OURS, '100010').replace('creation', 'created')],
    ['holds that are no number', lines(OURS, '100010', '-')],
    ['an empty line', `${lines(OURS, '100010')}\n`],
  ])('%s is not understood, and nothing is done by it', (_, text) => {
    expect(() => read(text)).toThrow(/was not understood/);
  });

  it('is asked for without a word that takes more than one dataset along', () => {
    expect(LISTING).not.toContain('-r');
    expect(LISTING.slice(-2, -1)).toEqual(['--']);
    expect(nameOf('manual-a')).toBe('hauban-manual-a');
  });
});

describe('the dataset that root has named', () => {
  const load = (content: string, more: object = {}) => {
    const state = { type: 'file', mode: 0o644, uid: 0, gid: 0, content, ...more };
    return loadHomes({ state: () => Promise.resolve(state) } as never, 'w4a100010');
  };

  it('is that of the account below it', async () => {
    expect(await load('tank/homes\n')).toEqual({ ok: true, dataset: HOME });
  });

  it.each([
    '-r',
    'tank/homes@x',
    'tank homes',
    'tank/homes\ntank',
    'tank/../x',
    'tank/',
    '/tank',
    'a%b',
    'a,b',
    'a#b',
    '',
  ])('is refused as %j', async (content) =>
    expect(await load(content)).toMatchObject({ says: expect.stringContaining('name of one dataset') }),
  );

  it.each([{ uid: 1000 }, { mode: 0o664 }, { mode: 0o646 }])('is not taken from a file with %j', async (more) =>
    expect(await load('tank/homes', more)).toMatchObject({ says: expect.stringContaining('nobody else may write') }),
  );
});

describe('the mount that something open is of', () => {
  const table = [
    '36 35 0:52 / /srv/vol1/w4a100010 rw,relatime shared:1 - zfs tank/homes/w4a100010 rw,xattr',
    `361 36 0:53 / /srv/vol1/w4a100010/.zfs/snapshot/x ro - zfs ${OURS} ro`,
    '',
  ].join('\n');

  it('is found by its number', () => {
    expect(parseMount(table, '36')).toEqual({ type: 'zfs', source: HOME });
    expect(parseMount(table, '361')).toEqual({ type: 'zfs', source: OURS });
  });

  it.each(['3', '', '35'])('is not found by %j', (id) => expect(parseMount(table, id)).toBeNull());
});
