import { describe, expect, it } from 'vitest';
import { parseSnapshots, ResticMeasure, tagOf } from './restic-listing.ts';

const HOME = '/srv/vol1/w4a100010';
const ID = 'aca0f4326f9129bec0863684f3bf135b9bbe9602fa3bc7352fb738e4601ab02a';
/** As restic 0.14 writes it. */
const ROW = {
  time: '2026-11-22T14:37:26.355488173Z',
  tree: ID,
  paths: [HOME],
  hostname: 'node',
  username: 'root',
  tags: [tagOf('w4a100010', 100_010, 'daily-2026-11-22')],
  id: ID,
  short_id: 'aca0f432',
};
const parse = (...rows: readonly object[]) => parseSnapshots(JSON.stringify(rows), 'w4a100010', HOME);

describe('restic snapshots', () => {
  it('tells which are ours, and of which uid', () => {
    expect(parse(ROW)).toEqual([
      {
        id: ID,
        uid: 100_010,
        snapshot: 'daily-2026-11-22',
        createdAtMs: Date.parse('2026-11-22T14:37:26.355Z'),
        readOnly: true,
      },
    ]);
    expect(parseSnapshots('null', 'w4a100010', HOME)).toEqual([]);
  });

  it.each([
    { tags: null },
    { tags: ['hauban/w4a100011/100010/daily-2026-11-22'] },
    { tags: ['hauban/w4a100010/100010/../../x'] },
    { tags: ['hauban/w4a100010/-1/daily-2026-11-22'] },
    { tags: ['hauban/w4a100010/100010/daily-2026-11-22/x'] },
    { tags: [...ROW.tags, 'other'] },
    { paths: [HOME, '/etc'] },
    { paths: [`${HOME}/var`] },
    { paths: HOME },
  ])('of somebody else is left alone: %j', (change) => expect(parse({ ...ROW, ...change })).toEqual([]));

  it.each([{ id: '--target=/' }, { id: 5 }, { time: 'then' }])('with %j is not understood', (change) => {
    expect(() => parse({ ...ROW, ...change })).toThrow(/not understood/);
  });

  it.each(['', '{', '{}', '5'])('that answers %j is not understood', (text) => {
    expect(() => parseSnapshots(text, 'w4a100010', HOME)).toThrow(/not understood/);
  });
});

describe('restic ls', () => {
  const site = `${HOME}/var/www/shop`;
  const measure = (...nodes: readonly object[]) => {
    const measured = new ResticMeasure(site, 100_010);
    measured.line(JSON.stringify({ struct_type: 'snapshot', id: ID }));
    for (const node of nodes) measured.line(JSON.stringify({ struct_type: 'node', uid: 100_010, ...node }));
    return measured.facts();
  };

  it('adds up what belongs to the account, and counts what is left out with what is below it once', () => {
    expect(
      measure(
        { path: site, type: 'dir' },
        { path: `${site}/a`, type: 'file', size: 5 },
        { path: `${site}/l`, type: 'symlink', uid: 0 },
        { path: `${site}/p`, type: 'fifo' },
        { path: `${site}/others`, type: 'dir', uid: 0 },
        { path: `${site}/others/a`, type: 'file', size: 7 },
        { path: `${site}/otherwise`, type: 'file', size: 1 },
        { path: `${site}-other`, type: 'file', size: 9 },
      ),
    ).toEqual({
      type: 'directory',
      entries: 4,
      sizeBytes: 6,
      diskBytes: 12,
      leftOut: { 'files and folders of others': 1, 'pipes, sockets and devices': 1 },
    });
  });

  it('nothing of that path, and a thing that is itself left out, are not there', () => {
    expect(measure()).toBeNull();
    expect(measure({ path: site, type: 'file', uid: 0, size: 1 })).toBeNull();
    expect(measure({ path: site, type: 'chardev' })).toBeNull();
  });
});
