import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, NEIGHBOUR, putPage } from './hosting-node.ts';
import { standStorageNode, type StorageNode } from './storage-node.ts';

const lab = labRequirements();
const { name, uid } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const WEB = `${HOME}/var/www`;
const FOLDER = '/etc/hosting/restic';
const REPOSITORY = '/var/backups/restic';
const RESTIC = ['--repository-file', `${FOLDER}/repository`, '--password-file', `${FOLDER}/password`, '--no-cache'];

describe.skipIf(!lab.ok)('snapshots and restores in a real repository of restic', () => {
  let stand: StorageNode;
  beforeAll(async () => {
    stand = await standStorageNode('restic');
    await run('/usr/bin/mkdir', '-p', `${WEB}/shop/img`);
    await run('/usr/bin/chown', '-R', `${uid}:${uid}`, `${WEB}/shop`);
    await putPage(stand.node, ACCOUNT, 'shop/config.php', '<?php $friday = 1;', '0600');
    await putPage(stand.node, ACCOUNT, 'shop/img/[a]*?\\ü.png', 'picture');
    await putPage(stand.node, ACCOUNT, 'shop/page.html', 'of friday');
  });
  afterAll(() => stand.destroy());

  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await stand.node.mustRun(program, args)).stdout;
  const restic = (...args: readonly string[]): Promise<string> => run('/usr/bin/restic', ...RESTIC, ...args);
  const apply = async (action: string, args: object) =>
    expectDone(await stand.actions.apply(action, { name, store: 'restic', ...args }));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  const refused = async (action: string, args: object, why: RegExp): Promise<void> =>
    expect(await stand.actions.apply(action, { name, store: 'restic', ...args })).toMatchObject({
      ok: false,
      detail: expect.stringMatching(why),
    });
  const ids = async (): Promise<readonly string[]> =>
    (JSON.parse(await restic('snapshots', '--json', '--no-lock')) as { id: string }[]).map(({ id }) => id);
  const friday = { class: 'manual', label: 'friday' } as const;
  const restoreFile = { snapshot: 'manual-friday', path: 'shop/config.php', mode: 'in-place', label: 'r1' } as const;
  const restoreShop = { snapshot: 'manual-friday', path: 'shop', mode: 'in-place', label: 'r2' } as const;

  it('says what is missing until it is set up; a password that others can read is refused', async () => {
    for (const action of ['snapshot.create', 'storage.restore-file', 'snapshot.list'])
      await refused(
        action,
        { 'snapshot.create': friday, 'storage.restore-file': restoreFile }[action] ?? {},
        /not set up/,
      );
    await run('/usr/bin/mkdir', '-p', FOLDER);
    await stand.node.writeFile(`${FOLDER}/repository`, REPOSITORY, 0o644);
    await stand.node.writeFile(`${FOLDER}/password`, 'correct-horse\n', 0o644);
    await refused('snapshot.create', friday, /may be read by others/);
    await run('/usr/bin/chmod', '600', `${FOLDER}/password`);
    await refused('snapshot.create', friday, /run restic init/);
    await stand.node.writeFile(`${FOLDER}/repository`, `${HOME}/var/www/repo`, 0o644);
    await refused('snapshot.create', friday, /in the home that it would keep/);
    await stand.node.writeFile(`${FOLDER}/repository`, 'sftp:evil:/x', 0o644);
    await refused('snapshot.create', friday, /must hold the path/);
    await stand.node.writeFile(`${FOLDER}/repository`, REPOSITORY, 0o644);
    await restic('init');
  });

  it('keeps a home: as planned, once, and undo takes it out again', async () => {
    const planned = expectDone(await stand.actions.plan('snapshot.create', { name, store: 'restic', ...friday }));
    expect(await ids()).toEqual([]);
    const done = await apply('snapshot.create', friday);
    expect(done.changes).toEqual(planned.changes);
    expect((await apply('snapshot.create', friday)).changes).toEqual([]);
    expect(await ids()).toHaveLength(1);
    expect(await undo(done.changes)).toEqual([]);
    expect(await ids()).toEqual([]);
  });

  it('killed while it is made, nothing is left and nothing comes afterwards; control: restic alone goes on', async () => {
    await stand.as(ACCOUNT, '/usr/bin/dd', ['if=/dev/urandom', `of=${WEB}/big`, 'bs=1M', 'count=60']);
    const { changes } = expectDone(await stand.actions.plan('snapshot.create', { name, store: 'restic', ...friday }));
    const input = JSON.stringify({
      mode: 'apply',
      action: 'snapshot.create',
      args: { name, store: 'restic', ...friday },
      dieAt: 0,
    });
    for (let round = 0; round < 3; round += 1) {
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(changes)).toEqual([]);
      expect((await stand.node.run('/usr/bin/pgrep', ['-x', 'restic'])).stdout).toBe('');
      expect(await ids()).toEqual([]);
    }
    const backup = ['/usr/bin/restic', [...RESTIC, 'backup', '--quiet', '--tag=control', '--', HOME]];
    const leave = `require('child_process').spawn(...${JSON.stringify(backup)},{detached:true,stdio:'ignore'}).unref()`;
    await run(process.execPath, '-e', leave);
    await waitUntil('the backup of a parent that is gone', async () => (await ids()).length === 1, {
      timeoutMs: 60_000,
    });
    await restic('forget', '--quiet', ...(await ids()));
    await run('/usr/bin/rm', `${WEB}/big`);
  });

  it('lists and prunes by class; what it removes nobody brings back', async () => {
    await apply('snapshot.create', friday);
    for (const period of ['daily-2026-11-01', 'daily-2026-11-02'])
      await restic('backup', '--quiet', `--tag=hauban/${name}/${uid}/${period}`, '--', HOME);
    // Of others: another tag, another path, two tags.
    await restic('backup', '--quiet', `--tag=mine`, '--', HOME);
    await restic('backup', '--quiet', `--tag=hauban/${name}/${uid}/daily-2026-11-03`, '--', `${HOME}/var`);
    await restic('backup', '--quiet', `--tag=hauban/${name}/${uid}/daily-2026-11-03,x`, '--', HOME);
    const listed = expectDone(await stand.actions.plan('snapshot.list', { name, store: 'restic' }));
    expect((listed.data as { snapshot: string }[]).map(({ snapshot }) => snapshot).toSorted()).toEqual([
      'daily-2026-11-01',
      'daily-2026-11-02',
      'manual-friday',
    ]);
    const { changes } = await apply('snapshot.prune', { keep: { daily: 1 } });
    expect(changes).toMatchObject([{ id: `restic/${name}/daily-2026-11-01` }]);
    expect(await ids()).toHaveLength(5);
    expect(await undo(changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  describe('in place', () => {
    beforeAll(async () => {
      await putPage(stand.node, ACCOUNT, 'shop/config.php', '<?php $broken');
      await run('/usr/bin/rm', '-r', `${WEB}/shop/img`);
    });

    it.each([
      ['storage.restore-file', restoreFile],
      ['storage.restore-directory', restoreShop],
    ] as const)('%s; undo leaves every byte as it was, also when killed', async (action, args) => {
      const before = await stand.tree();
      const planned = expectDone(await stand.actions.plan(action, { name, store: 'restic', ...args }));
      expect(await stand.tree()).toBe(before);
      const done = await apply(action, args);
      expect(done.changes).toEqual(planned.changes);
      expect(await run('/usr/bin/cat', `${WEB}/shop/config.php`)).toBe('<?php $friday = 1;');
      expect((await apply(action, args)).changes).toEqual([]);
      expect(await undo(done.changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
      // The first of them only waits for an undo.
      for (let dieAt = 1; dieAt < planned.changes.length; dieAt += 1) {
        const input = JSON.stringify({ mode: 'apply', action, args: { name, store: 'restic', ...args }, dieAt });
        await stand.node.run(process.execPath, [stand.actions.file], { input });
        expect(await undo(planned.changes)).toEqual([]);
        expect(await stand.tree(), `killed at ${dieAt}`).toBe(before);
      }
    });
  });

  it('a name full of pattern characters is that name alone; control: as a pattern it takes another file', async () => {
    await putPage(stand.node, ACCOUNT, 'shop/p[a]*.txt', 'wanted');
    await putPage(stand.node, ACCOUNT, 'shop/paway.txt', 'other');
    await apply('snapshot.create', { class: 'manual', label: 'names' });
    const args = { snapshot: 'manual-names', path: 'shop/p[a]*.txt', mode: 'beside', label: 'r3' } as const;
    const { changes } = await apply('storage.restore-file', args);
    expect(await run('/usr/bin/cat', `${HOME}/backups/restored-r3/new/p[a]*.txt`)).toBe('wanted');
    expect(await undo(changes)).toEqual([]);
    const last = (await ids()).at(-1) ?? '';
    await restic('restore', '--quiet', '--target=/tmp/control', `--include=${WEB}/shop/p[a]*.txt`, last);
    expect((await run('/usr/bin/ls', `/tmp/control${WEB}/shop`)).trim()).toBe('paway.txt');
    await refused('storage.restore-file', { ...args, label: 'r4', path: 'shop/p*' }, /is not in manual-names/);
  });

  it('what is not of the account is left out, and a link in place is not written through; control: restic --target / writes through it', async () => {
    await run('/usr/bin/mkdir', `${WEB}/evil`);
    await run('/usr/bin/chown', `${uid}:${uid}`, `${WEB}/evil`);
    await stand.node.writeFile(`${WEB}/evil/secret`, 'of root', 0o600);
    await run('/usr/bin/mkfifo', `${WEB}/evil/pipe`);
    await run('/usr/bin/ln', '-s', '/etc', `${WEB}/evil/etc`);
    await putPage(stand.node, ACCOUNT, 'evil/tool', 'program', '6755');
    await apply('snapshot.create', { class: 'manual', label: 'evil' });
    const args = { snapshot: 'manual-evil', path: 'evil', mode: 'beside', label: 'r5' } as const;
    const done = await apply('storage.restore-directory', args);
    expect(done.notes).toEqual(
      expect.arrayContaining(['Left out: 1 files and folders of others.', 'Left out: 1 pipes, sockets and devices.']),
    );
    const copy = `${HOME}/backups/restored-r5/new/evil`;
    expect((await run('/usr/bin/find', copy, '-printf', '%P %m\\n')).trim().split('\n').toSorted()).toEqual([
      '755',
      'tool 755',
    ]);
    expect(await undo(done.changes)).toEqual([]);

    const other = `/srv/vol1/${NEIGHBOUR.name}/var/www`;
    await putPage(stand.node, NEIGHBOUR, 'tool', 'of the neighbour');
    await run('/usr/bin/rm', '-r', `${WEB}/evil`);
    await run('/usr/bin/ln', '-s', other, `${WEB}/evil`);
    await refused('storage.restore-file', { ...args, path: 'evil/tool', mode: 'in-place' }, /a link or no folder/);
    expect(await run('/usr/bin/cat', `${other}/tool`)).toBe('of the neighbour');
    const last = (await ids()).at(-1) ?? '';
    await restic('restore', '--quiet', '--target=/', `--include=${WEB}/evil/tool`, last);
    expect(await run('/usr/bin/cat', `${other}/tool`)).toBe('program');
    await run('/usr/bin/rm', `${WEB}/evil`);
  });

  it('a snapshot of an earlier account of that name is not given to the new one', async () => {
    await restic('backup', '--quiet', `--tag=hauban/${name}/100999/manual-earlier`, '--', HOME);
    await refused('storage.restore-file', { ...restoreFile, snapshot: 'manual-earlier' }, /is not in manual-earlier/);
  });

  it('a damaged repository is found before anything is in place', async () => {
    const before = await stand.tree();
    const packs = (await run('/usr/bin/find', `${REPOSITORY}/data`, '-type', 'f')).trim().split('\n');
    await run('/usr/bin/cp', '-a', REPOSITORY, `${REPOSITORY}.good`);
    for (const pack of packs)
      await run('/usr/bin/dd', 'if=/dev/zero', `of=${pack}`, 'bs=1', 'count=64', 'conv=notrunc');
    const answer = await stand.actions.apply('storage.restore-directory', { name, store: 'restic', ...restoreShop });
    expect(answer).toMatchObject({ ok: false, code: 'PROGRAM_FAILED', problems: [] });
    expect(await stand.tree()).toBe(before);
    await run('/usr/bin/rm', '-r', REPOSITORY);
    await run('/usr/bin/mv', `${REPOSITORY}.good`, REPOSITORY);
  });
});
