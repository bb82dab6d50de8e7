import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, NEIGHBOUR } from './hosting-node.ts';
import { POOL, REAL_ZFS, standZfsNode, type ZfsNode } from './zfs-node.ts';

const lab = labRequirements();
const { name, uid } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const WEB = `${HOME}/var/www`;
const DATASET = `${POOL}/${name}`;
const FILE = '/etc/hosting/zfs/homes';
const SNAPSHOT = 'manual-friday';
const OF_ANOTHER = { name: 'It is of this home', ok: false, saw: 'of another' };

describe.skipIf(!lab.ok)('snapshots and restores in a real pool of ZFS', () => {
  let stand: ZfsNode;
  beforeAll(async () => {
    stand = await standZfsNode('zfs');
    await run('/usr/bin/mkdir', '-p', `${WEB}/shop/img`);
    await run('/usr/bin/chown', '-R', `${uid}:${uid}`, `${WEB}/shop`);
    await put('shop/config.php', '<?php $friday = 1;');
    await put('shop/img/ä b.png', 'picture');
  });
  afterAll(() => stand.destroy());

  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await stand.node.mustRun(program, args)).stdout;
  /** From inside: what is mounted in the node is not seen from outside. */
  const write = (path: string, input: string) => stand.node.mustRun('/usr/bin/tee', [path], { input });
  const put = async (path: string, content: string): Promise<void> => {
    await write(`${WEB}/${path}`, content);
    await run('/usr/bin/chown', `${uid}:${uid}`, `${WEB}/${path}`);
  };
  const whole = (args: object) => ({ name, store: 'zfs', ...args });
  const apply = async (action: string, args: object) => expectDone(await stand.actions.apply(action, whole(args)));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  const refused = async (action: string, args: object, why: RegExp): Promise<void> =>
    expect(await stand.actions.apply(action, whole(args))).toMatchObject({
      ok: false,
      detail: expect.stringMatching(why),
    });
  const snapshots = async (): Promise<readonly string[]> =>
    (await stand.zfs('list', '-H', '-t', 'snapshot', '-o', 'name', '-r', DATASET))
      .split('\n')
      .filter((line) => line.startsWith(`${DATASET}@`))
      .map((line) => line.slice(DATASET.length + 1))
      .toSorted();
  const holds = async (snapshot: string): Promise<string> =>
    (await stand.zfs('get', '-H', '-o', 'value', 'userrefs', `${DATASET}@hauban-${snapshot}`)).trim();
  const killAtEach = async (action: string, args: object): Promise<void> => {
    const before = await stand.tree();
    const { changes } = expectDone(await stand.actions.plan(action, whole(args)));
    for (let dieAt = 0; dieAt < changes.length; dieAt += 1) {
      const input = JSON.stringify({ mode: 'apply', action, args: whole(args), dieAt });
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree(), `${action} killed at ${dieAt}`).toBe(before);
    }
  };
  const friday = { class: 'manual', label: 'friday' } as const;
  const restoreFile = { snapshot: SNAPSHOT, path: 'shop/config.php', mode: 'in-place', label: 'r1' } as const;
  const restoreShop = { snapshot: SNAPSHOT, path: 'shop', mode: 'in-place', label: 'r2' } as const;

  it.each([
    ['a dataset that nobody has named', null, /ZFS is not set up/],
    ['a dataset of something else', 'tank', /is not the dataset tank\/w4a100010/],
  ])('%s is refused', async (_, content, why) => {
    await run('/usr/bin/mkdir', '-p', '/etc/hosting/zfs');
    if (content !== null) await stand.node.writeFile(FILE, content, 0o644);
    await refused('snapshot.create', friday, why);
    expect(await snapshots()).toEqual([]);
  });

  it('a file that others may write is refused', async () => {
    await stand.node.writeFile(FILE, `${POOL}\n`);
    await run('/usr/bin/chmod', '666', FILE);
    await refused('snapshot.create', friday, /nobody else may write/);
    await run('/usr/bin/chmod', '644', FILE);
  });

  it('keeps a home: as planned, once, killed at each step as before, and undo leaves nothing', async () => {
    const before = await stand.tree();
    const planned = expectDone(await stand.actions.plan('snapshot.create', whole(friday)));
    expect(await stand.tree()).toBe(before);
    await killAtEach('snapshot.create', friday);
    const done = await apply('snapshot.create', friday);
    expect(done.changes).toEqual(planned.changes);
    expect(await snapshots()).toEqual([`hauban-${SNAPSHOT}`]);
    expect((await apply('snapshot.create', friday)).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    expect(await stand.tree()).toBe(before);
  });

  it('a name that somebody else took is refused, and never removed; control: zfs destroy removes it', async () => {
    await stand.zfs('snapshot', `${DATASET}@hauban-${SNAPSHOT}`);
    await refused('snapshot.create', friday, /is not of this account/);
    const { changes } = expectDone(
      await stand.actions.plan('snapshot.create', whole({ class: 'manual', label: 'other' })),
    );
    const forged = JSON.parse(JSON.stringify(changes).replaceAll('manual-other', SNAPSHOT)) as typeof changes;
    expect(await undo(forged)).toEqual([]);
    expect(await snapshots()).toEqual([`hauban-${SNAPSHOT}`]);
    await stand.zfs('destroy', `${DATASET}@hauban-${SNAPSHOT}`);
  });

  it.each(['snapshot', 'get'])('zfs %s that ends with 0 and says that it failed is not believed', async (verb) => {
    await write('/run/zfs-fault', verb);
    await refused('snapshot.create', friday, /it ended well, and .* is not there/);
    await run('/usr/bin/rm', '/run/zfs-fault');
    for (const one of await snapshots()) await run('/usr/sbin/zfs', 'destroy', `${DATASET}@${one}`);
  });

  it('lists and prunes its own only; control: zfs destroy -r takes the one of a dataset below along', async () => {
    for (const label of ['a', 'b']) await apply('snapshot.create', { class: 'manual', label });
    await stand.zfs('create', '-o', 'mountpoint=none', `${DATASET}/below`);
    const below = `${DATASET}/below@hauban-manual-a`;
    for (const other of [`${DATASET}@hauban-manual-d`, `${DATASET}@daily`, below]) await stand.zfs('snapshot', other);
    const listed = expectDone(await stand.actions.plan('snapshot.list', whole({})));
    expect((listed.data as { snapshot: string }[]).map(({ snapshot }) => snapshot)).toEqual(['manual-a', 'manual-b']);
    const prune = { keep: {}, also: ['manual-a', 'manual-d'] };
    const { changes } = await apply('snapshot.prune', prune);
    expect(changes).toMatchObject([{ id: `zfs/${name}/manual-a` }]);
    expect(await snapshots()).toEqual(['daily', 'hauban-manual-b', 'hauban-manual-d']);
    expect(await stand.zfs('list', '-H', '-o', 'name', below)).toBe(`${below}\n`);
    expect((await apply('snapshot.prune', prune)).changes).toEqual([]);
    expect(await undo(changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
    await stand.zfs('snapshot', `${DATASET}@hauban-manual-a`);
    await stand.zfs('destroy', '-r', `${DATASET}@hauban-manual-a`);
    expect((await stand.node.run(REAL_ZFS, ['list', below])).code).not.toBe(0);
    await stand.zfs('destroy', `${DATASET}/below`);
  });

  it('one that somebody holds stays, and one that our own dead restore holds goes', async () => {
    await stand.zfs('hold', 'legal', `${DATASET}@hauban-manual-b`);
    await refused('snapshot.prune', { keep: {}, also: ['manual-b'] }, /is held by somebody else/);
    await stand.zfs('release', 'legal', `${DATASET}@hauban-manual-b`);
    await stand.zfs('hold', 'hauban-restore', `${DATASET}@hauban-manual-b`);
    await apply('snapshot.prune', { keep: {}, also: ['manual-b'] });
    expect(await snapshots()).toEqual(['daily', 'hauban-manual-d']);
    for (const other of await snapshots()) await stand.zfs('destroy', `${DATASET}@${other}`);
  });

  describe('in place', () => {
    beforeAll(async () => {
      await apply('snapshot.create', friday);
      await put('shop/config.php', '<?php $broken');
      await run('/usr/bin/rm', '-r', `${WEB}/shop/img`);
    });

    it.each([
      ['storage.restore-file', restoreFile],
      ['storage.restore-directory', restoreShop],
    ] as const)('%s; undo leaves every byte and every hold as it was, also when killed', async (action, args) => {
      const before = await stand.tree();
      const planned = expectDone(await stand.actions.plan(action, whole(args)));
      expect(await stand.tree()).toBe(before);
      const done = await apply(action, args);
      expect(done.changes).toEqual(planned.changes);
      expect(await run('/usr/bin/cat', `${WEB}/shop/config.php`)).toBe('<?php $friday = 1;');
      expect(await holds(SNAPSHOT)).toBe('0');
      expect((await apply(action, args)).changes).toEqual([]);
      expect(await undo(done.changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
      if (action === 'storage.restore-file') await killAtEach(action, args);
    });

    it('a restore that died holds its snapshot until it is undone', async () => {
      const { changes } = expectDone(await stand.actions.plan('storage.restore-file', whole(restoreFile)));
      await stand.zfs('hold', 'hauban-restore', `${DATASET}@hauban-${SNAPSHOT}`);
      expect((await stand.node.run(REAL_ZFS, ['destroy', `${DATASET}@hauban-${SNAPSHOT}`])).code).not.toBe(0);
      expect(await undo(changes)).toEqual([]);
      expect(await holds(SNAPSHOT)).toBe('0');
    });
  });

  it('a folder that lies where ZFS shows snapshots is not read; control: its path leads there', async () => {
    const place = `${HOME}/.zfs/snapshot/hauban-${SNAPSHOT}`;
    await run('/usr/bin/umount', place);
    await run('/usr/bin/mkdir', '-p', `${place}/var/www/shop`);
    await write(`${place}/var/www/shop/config.php`, 'of somebody else');
    await run('/usr/bin/chown', '-R', `${uid}:${uid}`, `${place}/var/www`);
    await refused('storage.restore-file', { ...restoreFile, label: 'r3' }, /is not that snapshot/);
    expect(await run('/usr/bin/cat', `${place}/var/www/shop/config.php`)).toBe('of somebody else');
    await run('/usr/bin/rm', '-r', `${place}/var`);
    const other = `${POOL}/${NEIGHBOUR.name}@hauban-${SNAPSHOT}`;
    await run('/usr/bin/mount', '-t', 'tmpfs', other, place);
    await refused('storage.restore-file', { ...restoreFile, label: 'r3' }, /is not that snapshot/);
    await run('/usr/bin/umount', place);
    await run('/usr/bin/mv', place, `${HOME}/moved`);
    await run('/usr/bin/ln', '-s', '/etc', place);
    await refused('storage.restore-file', { ...restoreFile, label: 'r3' }, /a link or no folder/);
    await run('/usr/bin/rm', place);
    await refused('storage.restore-file', { ...restoreFile, label: 'r3' }, /is not shown/);
    await run('/usr/bin/rmdir', `${HOME}/moved`);
    await stand.zfs('destroy', `${DATASET}@hauban-${SNAPSHOT}`);
  });

  it('a snapshot of an earlier account of that name is not given to the new one', async () => {
    await run('/usr/sbin/zfs', 'snapshot', '-o', 'hauban:uid=100999', `${DATASET}@hauban-manual-earlier`);
    const args = { ...restoreFile, snapshot: 'manual-earlier', label: 'r4' };
    await refused('storage.restore-file', args, /is not in manual-earlier/);
    const again = await stand.actions.apply('snapshot.create', whole({ class: 'manual', label: 'earlier' }));
    expect(again).toMatchObject({ changes: [], verified: expect.arrayContaining([OF_ANOTHER]) });
  });

  it.each([`${SNAPSHOT}%`, `${SNAPSHOT},x`, '../x', '-r', `${SNAPSHOT}@x`])(
    'a forged id is refused by the driver: %j',
    async (snapshot) => {
      const id = `zfs/${name}/${snapshot}`;
      const change = { kind: 'resource', resource: 'storage.snapshot', id, before: null, after: { readOnly: true } };
      expect(await stand.actions.call({ mode: 'undo', changes: [change as never] })).toMatchObject({
        problems: [{ code: expect.any(String) }],
      });
    },
  );
});
