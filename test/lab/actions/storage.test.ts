import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, fetchPage, NEIGHBOUR, putPage } from './hosting-node.ts';
import { BTRFS, standStorageNode, type StorageNode } from './storage-node.ts';

const lab = labRequirements();
const { name, uid } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const WEB = `${HOME}/var/www`;
const SNAPSHOTS = `/srv/vol1/.snapshots/${name}`;
/** Every snapshot of these tests but those that are about pruning. */
const SNAPSHOT = 'manual-friday';

describe.skipIf(!lab.ok)('snapshots and restores on a real btrfs', () => {
  let stand: StorageNode;
  beforeAll(async () => {
    stand = await standStorageNode('storage');
    await run('/usr/bin/mkdir', '-p', `${WEB}/shop/img`);
    await run('/usr/bin/chown', '-R', `${uid}:${uid}`, `${WEB}/shop`);
    await putPage(stand.node, ACCOUNT, 'shop/config.php', '<?php $friday = 1;', '0600');
    await putPage(stand.node, ACCOUNT, 'shop/img/ä b.png', 'picture');
    await putPage(stand.node, ACCOUNT, 'shop/page.html', 'of friday');
    await run('/usr/bin/ln', '-s', 'img/ä b.png', `${WEB}/shop/logo`);
    await run('/usr/bin/chown', '-h', `${uid}:${uid}`, `${WEB}/shop/logo`);
  });
  afterAll(() => stand.destroy());

  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await stand.node.mustRun(program, args)).stdout;
  const apply = async (action: string, args: object) =>
    expectDone(await stand.actions.apply(action, { name, ...args }));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  const content = (path: string): Promise<string> => run('/usr/bin/cat', path);
  const refused = async (action: string, args: object, why: RegExp): Promise<void> =>
    expect(await stand.actions.apply(action, { name, ...args })).toMatchObject({
      ok: false,
      detail: expect.stringMatching(why),
    });
  /** Killed at each change of the plan, undone: each time as before. */
  const killAtEach = async (action: string, args: object, rounds: number): Promise<void> => {
    const before = await stand.tree();
    const { changes } = expectDone(await stand.actions.plan(action, { name, ...args }));
    for (let dieAt = 0; dieAt < changes.length; dieAt += 1)
      for (let round = 0; round < rounds; round += 1) {
        const input = JSON.stringify({ mode: 'apply', action, args: { name, ...args }, dieAt });
        await stand.node.run(process.execPath, [stand.actions.file], { input });
        expect(await undo(changes)).toEqual([]);
        expect(await stand.tree(), `${action} killed at ${dieAt}`).toBe(before);
      }
  };
  const restoreFile = { snapshot: SNAPSHOT, path: 'shop/config.php', mode: 'in-place', label: 'r1' } as const;
  const restoreShop = { snapshot: SNAPSHOT, path: 'shop', mode: 'in-place', label: 'r2' } as const;

  describe('snapshot.create', () => {
    const args = { class: 'manual', label: 'friday' } as const;

    it('is what the plan says, twice is once, and undo leaves nothing', async () => {
      const before = await stand.tree();
      const planned = expectDone(await stand.actions.plan('snapshot.create', { name, ...args }));
      expect(await stand.tree()).toBe(before);
      const done = await apply('snapshot.create', args);
      expect(done.changes).toEqual(planned.changes);
      expect(done.verified.map(({ saw }) => saw)).toEqual(['yes', 'yes', expect.stringMatching(/^[4-9] compared, 0 /)]);
      expect((await apply('snapshot.create', args)).changes).toEqual([]);
      expect(await content(`${SNAPSHOTS}/${SNAPSHOT}/var/www/shop/page.html`)).toBe('of friday');
      expect(await undo(done.changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
    });

    it('killed at each step it is as before', () => killAtEach('snapshot.create', args, 2));

    it('can be written by nobody; the account reads its own, a neighbour nothing', async () => {
      await apply('snapshot.create', args);
      const file = `${HOME}/backups/snapshots/${SNAPSHOT}/var/www/shop/page.html`;
      expect(await stand.as(ACCOUNT, '/usr/bin/cat', [file])).toMatchObject({ code: 0, stdout: 'of friday' });
      expect((await stand.node.run('/usr/bin/touch', [file])).stderr).toContain('Read-only');
      expect((await stand.as(NEIGHBOUR, '/usr/bin/cat', [`${SNAPSHOTS}/${SNAPSHOT}/var/www/index.php`])).code).toBe(1);
      expect((await stand.as(NEIGHBOUR, '/usr/bin/ls', [SNAPSHOTS])).code).toBe(2);
    });

    it('an hour has one hourly snapshot', async () => {
      const { changes } = await apply('snapshot.create', { class: 'hourly' });
      expect(changes).toMatchObject([{ id: expect.stringMatching(/\/hourly-\d{4}-\d{2}-\d{2}t\d{2}$/) }]);
      expect(await undo(changes)).toEqual([]);
    });

    it('a folder that lies there under the name is refused; control: btrfs puts the snapshot into it', async () => {
      await run('/usr/bin/mkdir', `${SNAPSHOTS}/manual-trap`);
      await run(BTRFS, 'subvolume', 'snapshot', '-r', HOME, `${SNAPSHOTS}/manual-trap`);
      expect((await run('/usr/bin/ls', `${SNAPSHOTS}/manual-trap`)).trim()).toBe(name);
      await refused('snapshot.create', { class: 'manual', label: 'trap' }, /is no subvolume/);
      await run(BTRFS, 'subvolume', 'delete', `${SNAPSHOTS}/manual-trap/${name}`);
      await run('/usr/bin/rmdir', `${SNAPSHOTS}/manual-trap`);
    });

    it('snapshots of an earlier account of that name are not opened to the new one; control: chgrp opens them', async () => {
      await run('/usr/bin/chgrp', '100999', SNAPSHOTS);
      const file = `${SNAPSHOTS}/${SNAPSHOT}/var/www/shop/page.html`;
      for (const action of ['snapshot.create', 'storage.restore-file'])
        await refused(action, action === 'snapshot.create' ? { class: 'daily' } : restoreFile, /earlier account/);
      expect((await stand.as(ACCOUNT, '/usr/bin/cat', [file])).code).toBe(1);
      await run('/usr/bin/chgrp', String(uid), SNAPSHOTS);
      expect((await stand.as(ACCOUNT, '/usr/bin/cat', [file])).code).toBe(0);
    });

    it('a home that is a plain folder is refused', async () => {
      const plain = { name: 'w4a100012', domain: 'c.example.net', phpVersion: '8.2', uid: 100_012 };
      const { changes } = expectDone(await stand.actions.apply('account.create', plain));
      expect(await stand.actions.plan('snapshot.create', { name: plain.name, class: 'daily' })).toMatchObject({
        detail: expect.stringContaining('is no btrfs subvolume of its own'),
      });
      expect(await undo(changes)).toEqual([]);
    });

    it.each(['../../etc', 'manual-a/../..', 'pool@manual-a', '-manual-a', 'manual-a\n', 'daily-2026'])(
      'a forged id is refused by the driver: %j',
      async (snapshot) => {
        const id = `btrfs/${name}/${snapshot}`;
        const change = { kind: 'resource', resource: 'storage.snapshot', id, before: null, after: { readOnly: true } };
        expect(await stand.actions.call({ mode: 'states', changes: [change as never] })).toMatchObject({
          ...{ ok: false, code: 'ACTION_REFUSED' },
        });
      },
    );
  });

  describe('snapshot.prune', () => {
    const keep = { hourly: 2, daily: 1 };
    const names = async (): Promise<readonly string[]> => (await run('/usr/bin/ls', SNAPSHOTS)).trim().split('\n');

    it('lists, then keeps the newest of each class; what it removes nobody brings back', async () => {
      const periods = ['hourly-2026-11-01t00', 'hourly-2026-11-01t09', 'hourly-2026-11-01t10', 'daily-2026-11-01'];
      for (const period of [...periods, 'weekly-2026-w01', 'weekly-2026-w02'])
        await run(BTRFS, 'subvolume', 'snapshot', '-r', HOME, `${SNAPSHOTS}/${period}`);
      const listed = expectDone(await stand.actions.plan('snapshot.list', { name }));
      expect((listed.data as { snapshot: string }[]).map(({ snapshot }) => snapshot)).toEqual(await names());
      const planned = expectDone(await stand.actions.plan('snapshot.prune', { name, keep }));
      expect(planned.titles).toEqual([`Remove snapshot btrfs/${name}/hourly-2026-11-01t00 (can not be undone)`]);
      const all = await names();
      const done = await apply('snapshot.prune', { keep: { ...keep, weekly: 1 } });
      expect(
        all.filter((entry) => !done.changes.some((change) => 'id' in change && change.id.endsWith(entry))),
      ).toEqual(await names());
      expect(await names()).toEqual(['daily-2026-11-01', ...periods.slice(1, 3), SNAPSHOT, 'weekly-2026-w02']);
      expect((await apply('snapshot.prune', { keep: { ...keep, weekly: 1 } })).changes).toEqual([]);
      expect(await undo(done.changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }, { code: 'ACTION_UNDO_FAILED' }]);
      const rest = [...periods.slice(1), 'weekly-2026-w02'];
      await apply('snapshot.prune', { keep: {}, also: rest });
      expect(await names()).toEqual([SNAPSHOT]);
    });

    it('a subvolume that can be written is no snapshot of ours and stays; control: btrfs removes it', async () => {
      await run(BTRFS, 'subvolume', 'snapshot', HOME, `${SNAPSHOTS}/manual-work`);
      await refused('snapshot.prune', { keep: {}, also: ['manual-work'] }, /can be written/);
      await run(BTRFS, 'subvolume', 'delete', `${SNAPSHOTS}/manual-work`);
    });
  });

  describe('storage.restore-file and storage.restore-directory', () => {
    it('a file comes back in place, the one that was there is kept, and undo exchanges them again', async () => {
      await putPage(stand.node, ACCOUNT, 'shop/config.php', '<?php $broken');
      const before = await stand.tree();
      const planned = expectDone(await stand.actions.plan('storage.restore-file', { name, ...restoreFile }));
      expect(await stand.tree()).toBe(before);
      const done = await apply('storage.restore-file', restoreFile);
      expect(done.changes).toEqual(planned.changes);
      expect(await content(`${WEB}/shop/config.php`)).toBe('<?php $friday = 1;');
      expect((await run('/usr/bin/stat', '-c', '%a %u %g', `${WEB}/shop/config.php`)).trim()).toBe(`600 ${uid} ${uid}`);
      expect(await content(`${HOME}/backups/restored-r1/before/config.php`)).toBe('<?php $broken');
      expect((await apply('storage.restore-file', restoreFile)).changes).toEqual([]);
      await refused('storage.restore-file', { ...restoreFile, path: 'shop/page.html' }, /label r1 is used/);
      expect(await undo(done.changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
    });

    it('a file that was deleted comes back; a folder that is gone is said to be gone', async () => {
      await run('/usr/bin/rm', `${WEB}/shop/page.html`);
      const before = await stand.tree();
      const { changes } = await apply('storage.restore-file', { ...restoreFile, path: 'shop/page.html' });
      expect(await fetchPage(stand.node, ACCOUNT.domain, '/shop/page.html')).toEqual({
        status: 200,
        body: 'of friday',
      });
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
      await run('/usr/bin/mv', `${WEB}/shop`, `${WEB}/moved`);
      const gone = await stand.tree();
      await refused('storage.restore-file', restoreFile, /restore that folder/);
      expect(await stand.tree()).toBe(gone);
      await run('/usr/bin/mv', `${WEB}/moved`, `${WEB}/shop`);
    });

    it('a folder comes back in place and whole, as does all of var/www; undo leaves every byte as it was', async () => {
      for (const args of [restoreShop, { ...restoreShop, path: undefined }]) {
        const before = await stand.tree();
        const done = await apply('storage.restore-directory', args);
        expect(await content(`${WEB}/shop/logo`)).toBe('picture');
        const listed = ['-printf', '%P %m %U:%G %l %Ts\\n'] as const;
        expect((await run('/usr/bin/find', `${WEB}/shop`, ...listed)).split('\n').toSorted()).toEqual(
          (await run('/usr/bin/find', `${SNAPSHOTS}/${SNAPSHOT}/var/www/shop`, ...listed)).split('\n').toSorted(),
        );
        expect((await fetchPage(stand.node, ACCOUNT.domain)).status).toBe(200);
        expect(await undo(done.changes)).toEqual([]);
        expect(await stand.tree()).toBe(before);
      }
    });

    it('killed at each step they are as before', async () => {
      await killAtEach('storage.restore-directory', restoreShop, 4);
    });

    it('a crash between the two renames is put right by undo, and by applying again', async () => {
      const before = await stand.tree();
      const { changes } = expectDone(await stand.actions.plan('storage.restore-directory', { name, ...restoreShop }));
      const tear = async (): Promise<void> => {
        await apply('storage.restore-directory', { ...restoreShop, mode: 'beside' });
        const folder = `${HOME}/backups/restored-r2/before`;
        await run('/usr/bin/install', '-d', '-m', '750', '-g', String(uid), folder);
        await run('/usr/bin/mv', `${WEB}/shop`, folder);
      };
      await tear();
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
      await tear();
      await apply('storage.restore-directory', restoreShop);
      expect(await content(`${WEB}/shop/page.html`)).toBe('of friday');
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
    });

    it('beside: the account can read it; verify sees what was changed since, and undo keeps it then', async () => {
      const args = { ...restoreShop, mode: 'beside' } as const;
      const before = await stand.tree();
      const { changes } = await apply('storage.restore-directory', args);
      const copy = `${HOME}/backups/restored-r2/new/shop`;
      expect(await stand.as(ACCOUNT, '/usr/bin/cat', [`${copy}/page.html`])).toMatchObject({ stdout: 'of friday' });
      expect((await stand.as(NEIGHBOUR, '/usr/bin/cat', [`${copy}/page.html`])).code).toBe(1);
      await stand.as(ACCOUNT, '/usr/bin/touch', [`${copy}/mine`]);
      const again = await stand.actions.call({
        mode: 'verify',
        action: 'storage.restore-directory',
        args: { name, ...args },
      });
      expect(again).toMatchObject({ verified: [{ name: 'It is as in the snapshot', ok: false }] });
      expect(await undo(changes)).toMatchObject([{ code: 'CHANGE_CONFLICT', detail: expect.stringContaining('kept') }]);
      expect((await apply('storage.discard', { label: 'r2' })).titles).toEqual([
        'When undone: Remove what an interrupted removal left',
        expect.stringContaining('can not be undone'),
      ]);
      expect((await apply('storage.discard', { label: 'r2' })).changes).toEqual([]);
      expect(await stand.tree()).toBe(before);
    });

    it('a discard that was cut off in its middle is finished when the executor is back', async () => {
      const before = await stand.tree();
      await apply('storage.restore-directory', { ...restoreShop, mode: 'beside' });
      const planned = expectDone(await stand.actions.plan('storage.discard', { name, label: 'r2' }));
      // As a kill leaves it after its first step and some more.
      await run('/usr/bin/rm', `${HOME}/backups/restored-r2/restore.json`);
      await run('/usr/bin/rm', '-r', `${HOME}/backups/restored-r2/new/shop/img`);
      expect(await undo(planned.changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
      expect(await stand.tree()).toBe(before);
    });

    it('discard after a restore in place leaves what is in place', async () => {
      await apply('storage.restore-directory', restoreShop);
      await apply('storage.discard', { label: 'r2' });
      expect(await content(`${WEB}/shop/page.html`)).toBe('of friday');
      expect((await run('/usr/bin/ls', `${HOME}/backups`)).trim()).toBe('snapshots');
    });
  });

  describe('what a snapshot holds is not trusted', () => {
    const HOSTILE = { snapshot: 'manual-hostile', path: 'evil', mode: 'beside', label: 'r3' } as const;
    const copy = `${HOME}/backups/restored-r3/new/evil`;
    beforeAll(async () => {
      const evil = `${WEB}/evil`;
      await run('/usr/bin/install', '-d', '-o', String(uid), '-g', String(uid), evil);
      await stand.node.writeFile(`${evil}/secret`, 'of root', 0o600);
      await run('/usr/bin/mkdir', '-m', '700', `${evil}/of-root`);
      await run('/usr/bin/mkfifo', `${evil}/pipe`);
      await run('/usr/bin/mknod', `${evil}/disk`, 'c', '1', '3');
      await putPage(stand.node, ACCOUNT, 'evil/tool', 'program', '6755');
      await putPage(stand.node, ACCOUNT, 'evil/twice', 'linked');
      await run('/usr/bin/ln', `${evil}/twice`, `${evil}/thrice`);
      for (const [link, target] of [
        ['etc', '/etc'],
        ['up', '../../../../../etc'],
        ['fine', `${WEB}/shop`],
      ] as const)
        await run('/usr/bin/ln', '-s', target, `${evil}/${link}`);
      for (const entry of ['pipe', 'disk', 'etc', 'up', 'fine'])
        await run('/usr/bin/chown', '-h', `${uid}:${uid}`, `${evil}/${entry}`);
      await apply('snapshot.create', { class: 'manual', label: 'hostile' });
    });

    it('a file of root is not given to the account; control: cp and chown -R give it', async () => {
      const done = await apply('storage.restore-directory', HOSTILE);
      expect(done.notes).toEqual(
        expect.arrayContaining([
          'Left out: 2 files and folders of others.',
          'Left out: 2 links that lead out of var/www.',
          'Left out: 2 pipes, sockets and devices.',
        ]),
      );
      const left = (await run('/usr/bin/find', copy, '-printf', '%P %y %m %n\\n')).trim().split('\n').toSorted();
      expect(left).toEqual(['d 755 1', 'fine l 777 1', 'thrice f 644 1', 'tool f 755 1', 'twice f 644 1']);
      const stock = `${HOME}/var/stock`;
      await run('/usr/bin/cp', '-a', `${SNAPSHOTS}/manual-hostile/var/www/evil`, stock);
      expect((await run('/usr/bin/stat', '-c', '%a', `${stock}/tool`)).trim()).toBe('6755');
      expect((await run('/usr/bin/cat', `${stock}/etc/hostname`)).trim()).not.toBe('');
      await run('/usr/bin/chown', '-R', `${uid}:${uid}`, stock);
      expect(await stand.as(ACCOUNT, '/usr/bin/cat', [`${stock}/secret`])).toMatchObject({ stdout: 'of root' });
      await run('/usr/bin/rm', '-r', stock);
      expect(await undo(done.changes)).toEqual([]);
    });

    it('a file of root, a pipe or a link out alone is refused', async () => {
      for (const entry of ['secret', 'pipe', 'etc', 'disk'])
        await refused('storage.restore-file', { ...HOSTILE, path: `evil/${entry}` }, /is not in|left out/);
    });

    it('a path through a link in the snapshot is not followed; control: cat follows it', async () => {
      await refused('storage.restore-file', { ...HOSTILE, path: 'evil/etc/hostname' }, /a link or no folder/);
      expect(await content(`${SNAPSHOTS}/manual-hostile/var/www/evil/etc/hostname`)).not.toBe('');
    });

    it('a folder that became a link to a neighbour is not written through; control: cp as root writes through it', async () => {
      const other = `/srv/vol1/${NEIGHBOUR.name}/var/www`;
      await putPage(stand.node, NEIGHBOUR, 'config.php', 'of the neighbour');
      await run('/usr/bin/mv', `${WEB}/shop`, `${WEB}/away`);
      await run('/usr/bin/ln', '-s', other, `${WEB}/shop`);
      await refused('storage.restore-file', { ...restoreFile, label: 'r4' }, /a link or no folder/);
      await refused('storage.restore-directory', { ...restoreShop, label: 'r4' }, /no directory any more/);
      expect(await content(`${other}/config.php`)).toBe('of the neighbour');
      await run('/usr/bin/cp', `${SNAPSHOTS}/${SNAPSHOT}/var/www/shop/config.php`, `${WEB}/shop/config.php`);
      expect(await content(`${other}/config.php`)).toBe('<?php $friday = 1;');
      await run('/usr/bin/rm', `${WEB}/shop`);
      await run('/usr/bin/mv', `${WEB}/away`, `${WEB}/shop`);
    });

    it('a customer who exchanges the folder for a link all the time gets nothing written elsewhere', async () => {
      const other = `/srv/vol1/${NEIGHBOUR.name}/var/www`;
      const listed = async (): Promise<string> => run('/usr/bin/find', other, '-printf', '%P %y %m %U:%G %l %T@ %s\\n');
      const before = await listed();
      const swap = `const fs=require('fs');const w='${WEB}';fs.symlinkSync('${other}',w+'/l');for(;;){fs.renameSync(w+'/shop',w+'/s');fs.renameSync(w+'/l',w+'/shop');fs.renameSync(w+'/shop',w+'/l');fs.renameSync(w+'/s',w+'/shop')}`;
      const racer = await stand.node.spawn(process.execPath, ['-e', swap], { as: { uid, gid: uid } });
      for (let round = 0; round < 6; round += 1) {
        const answer = await stand.actions.apply('storage.restore-file', {
          name,
          ...restoreFile,
          label: `race${round}`,
        });
        if (answer.ok) await undo(answer.changes);
        expect(await listed()).toBe(before);
      }
      await racer.stop('SIGKILL');
      await stand.node.run('/usr/bin/rm', ['-f', `${WEB}/l`]);
      await stand.node.run('/usr/bin/mv', ['-T', `${WEB}/s`, `${WEB}/shop`]);
    });
  });

  describe('an account that is full', () => {
    it('still gets its snapshot; a restore is refused with numbers; control: cp as root fails half-way', async () => {
      await stand.as(ACCOUNT, '/usr/bin/dd', ['if=/dev/urandom', `of=${WEB}/big`, 'bs=1M', 'count=40', 'conv=fsync']);
      await apply('snapshot.create', { class: 'manual', label: 'big' });
      await run('/usr/bin/sync');
      await apply('account.set-quota', { hardMiB: 60 });
      const big = { snapshot: 'manual-big', path: 'big', mode: 'beside', label: 'r5' } as const;
      await refused('storage.restore-file', big, /it takes 40 MiB, and w4a100010 uses \d+ of 60 MiB/);
      const source = `${SNAPSHOTS}/manual-big/var/www/big`;
      expect(await stand.node.run('/usr/bin/cp', ['--reflink=never', source, `${HOME}/backups/half`])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('quota'),
      });
      await run('/usr/bin/rm', `${HOME}/backups/half`);
      await stand.as(ACCOUNT, '/usr/bin/dd', ['if=/dev/urandom', `of=${WEB}/rest`, 'bs=64k', 'count=999']);
      await run('/usr/bin/sync');
      expectDone(await stand.actions.apply('snapshot.create', { name, class: 'daily' }));
      await apply('account.set-quota', {});
      await apply('storage.restore-file', big);
    });
  });
});
