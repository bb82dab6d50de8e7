import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, NEIGHBOUR, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const { name, uid } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const JAIL = { name };
const AS = { uid, gid: uid };
const CHROOT = ['--userspec', `${uid}:${uid}`, '--groups', '', HOME];

describe.skipIf(!lab.ok)('account.make-jail on a real node', () => {
  let hosting: HostingNode;
  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await hosting.node.mustRun(program, args)).stdout;
  const inside = (script: string) => hosting.node.run('/usr/sbin/chroot', [...CHROOT, '/bin/sh', '-c', script]);
  const make = async (args: object = JAIL) => expectDone(await hosting.actions.apply('account.make-jail', args));
  const undo = async (changes: Awaited<ReturnType<typeof make>>['changes']) =>
    expectDone(await hosting.actions.call({ mode: 'undo', changes })).problems;
  const refused = async (args: object, why: RegExp): Promise<void> => {
    const before = await run('/usr/bin/find', HOME, '-printf', '%y %m %U %n %s %p\n');
    expect(await hosting.actions.apply('account.make-jail', { name, ...args })).toMatchObject({
      ok: false,
      detail: expect.stringMatching(why),
    });
    expect(await run('/usr/bin/find', HOME, '-printf', '%y %m %U %n %s %p\n')).toBe(before);
  };
  /** With the machine changed as said, and put back after. */
  const during = async (change: readonly string[][], work: () => Promise<void>, back: readonly string[][]) => {
    for (const [program = '', ...args] of change) await run(program, ...args);
    try {
      await work();
    } finally {
      for (const [program = '', ...args] of back) await run(program, ...args);
    }
  };

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'jail' });
    for (const account of [ACCOUNT, NEIGHBOUR]) expectDone(await hosting.actions.apply('account.create', account));
  });
  afterAll(() => hosting.node.destroy());

  it('is planned file by file, made as planned, found done the second time, and taken back whole', async () => {
    const before = await snapshotNode(hosting.node);
    const planned = expectDone(await hosting.actions.plan('account.make-jail', JAIL));
    expect(planned.titles).toContain(`Create jailed copy ${name}/bin/sh`);
    expect(planned.titles).toContain(`Create jailed device ${name}/null`);
    expect(await snapshotNode(hosting.node)).toBe(before);
    const done = await make();
    expect(done.changes).toEqual(planned.changes);
    expect((await make()).changes).toEqual([]);
    const removed = expectDone(await hosting.actions.apply('account.remove-jail', JAIL));
    expect(await snapshotNode(hosting.node)).toBe(before);
    expect(expectDone(await hosting.actions.apply('account.remove-jail', JAIL)).changes).toEqual([]);
    expect(await undo(removed.changes)).toEqual([]);
    expect((await make()).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    expect(await snapshotNode(hosting.node)).toBe(before);
  });

  it('taken back whole after a death in the middle, wherever it was', { timeout: 300_000 }, async () => {
    const before = await snapshotNode(hosting.node);
    const { changes } = expectDone(await hosting.actions.plan('account.make-jail', JAIL));
    const first = changes.findIndex(({ kind }) => kind === 'resource');
    for (const dieAt of [1, first, first + 3, first + 20, changes.length - 5, changes.length]) {
      const input = JSON.stringify({ mode: 'apply', action: 'account.make-jail', args: JAIL, dieAt });
      const death = await hosting.node.run(process.execPath, [hosting.actions.file], { input });
      expect(death.signal ?? death.code, `died at ${dieAt}`).not.toBe(0);
      expect(await undo(changes), `undone after ${dieAt}`).toEqual([]);
      expect(await snapshotNode(hosting.node), `as before, after ${dieAt}`).toBe(before);
    }
  });

  it('holds a shell that works, and sees no neighbour and no other name', async () => {
    const { changes } = await make();
    const seen = await inside('ls /; cat /etc/passwd; id -un; echo gone > /dev/null; head -c 4 /dev/urandom | wc -c');
    expect(seen.stderr).toBe('');
    expect(seen.stdout.split('\n')).toEqual([
      ...['backups', 'bin', 'dev', 'etc', 'lib', 'lib64', 'tmp', 'usr', 'var'],
      `${name}:x:${uid}:${uid}::/var/www:/bin/sh`,
      ...[name, '4', ''],
    ]);
    for (const path of ['/srv', '/proc', '/home', '/root', '/etc/shadow', `/srv/vol1/${NEIGHBOUR.name}`])
      expect((await inside(`ls -d ${path}`)).code, path).not.toBe(0);
    expect((await inside('echo mine > /var/www/a && cat /var/www/a && rm /var/www/a')).stdout).toBe('mine\n');
    expect(await undo(changes)).toEqual([]);
  });

  it('follows an upgrade of a package, and undo brings the old program back', async () => {
    const first = await make();
    const sum = async (path: string): Promise<string> => (await run('/usr/bin/sha256sum', path)).split(' ')[0] ?? '';
    const old = await sum(`${HOME}/bin/true`);
    const change = [
      ['/usr/bin/cp', '/usr/bin/true', '/usr/bin/true.kept'],
      ['/usr/bin/cp', '/usr/bin/uname', '/usr/bin/true'],
    ];
    const check = async (): Promise<void> => {
      const upgrade = await make();
      expect(upgrade.titles.filter((title) => title.startsWith('Change'))).toEqual([
        `Change jailed copy ${name}/bin/true`,
      ]);
      expect(await sum(`${HOME}/bin/true`)).toBe(await sum('/usr/bin/uname'));
      expect(await undo(upgrade.changes)).toEqual([]);
      expect(await sum(`${HOME}/bin/true`)).toBe(old);
    };
    await during(change, check, [['/usr/bin/mv', '/usr/bin/true.kept', '/usr/bin/true']]);
    expect((await make()).changes).toEqual([]);
    expect(await undo(first.changes)).toEqual([]);
  });

  describe('attacks', () => {
    it('a folder that the account may write takes no jail; control: there it plants /etc/ld.so.preload', async () => {
      const give = [['/usr/bin/chown', String(uid), `${HOME}/etc`]];
      const back = [
        ['/usr/bin/rm', '-f', `${HOME}/etc/ld.so.preload`],
        ['/usr/bin/chown', '0', `${HOME}/etc`],
      ];
      const plant = () => hosting.node.run('/usr/bin/touch', [`${HOME}/etc/ld.so.preload`], { as: AS });
      await during(
        give,
        async () => {
          expect((await plant()).code).toBe(0);
          await run('/usr/bin/rm', `${HOME}/etc/ld.so.preload`);
          await refused({}, /not root's alone/);
        },
        back,
      );
      const { changes } = await make();
      expect((await plant()).code).not.toBe(0);
      for (const folder of ['', '/bin', '/dev', '/lib', '/lib64', '/usr'])
        expect((await hosting.node.run('/usr/bin/touch', [`${HOME}${folder}/x`], { as: AS })).code, folder).not.toBe(0);
      expect(await undo(changes)).toEqual([]);
    });

    it('a setuid program is refused; control: a hard link of it in a jail is root’s own program', async () => {
      await refused({ programs: ['/bin/sh', '/usr/bin/su'] }, /setuid/);
      const link = `${HOME}/bin/su`;
      // On the same file system, as homes without a disk of their own are.
      await during(
        [
          ['/usr/bin/cp', '-p', '/usr/bin/su', '/srv/su'],
          ['/usr/bin/ln', '/srv/su', link],
        ],
        async () => {
          expect(await run('/usr/bin/stat', '--format=%U %a %h', link)).toBe('root 4755 2\n');
        },
        [['/usr/bin/rm', link, '/srv/su']],
      );
      const { changes } = await make();
      const strange = ['-type', 'f', '(', '-perm', '/6022', '-o', '-links', '+1', '-o', '-not', '-uid', '0', ')'];
      for (const folder of ['bin', 'lib', 'lib64', 'usr', 'etc', 'dev'])
        expect(await run('/usr/bin/find', `${HOME}/${folder}`, ...strange)).toBe('');
      expect(await undo(changes)).toEqual([]);
    });

    it('a device of the memory can not be asked for; control: mknod makes it', async () => {
      const asked = await hosting.actions.apply('account.make-jail', { name, devices: ['mem'] });
      expect(asked).toMatchObject({ ok: false, code: 'ACTION_ARGUMENTS' });
      const change = { kind: 'resource', resource: 'account.jail-device', id: `${name}/mem`, after: null } as const;
      const forged = { ...change, before: { major: 1, minor: 1, mode: '0666' } };
      const undone = await hosting.actions.call({ mode: 'undo', changes: [forged] });
      expect(JSON.stringify(undone)).toContain('no device of a jail');
      await during(
        [['/usr/bin/mknod', `${HOME}/dev/mem`, 'c', '1', '1']],
        async () => {
          expect(await run('/usr/bin/stat', '--format=%F %t:%T', `${HOME}/dev/mem`)).toBe(
            'character special file 1:1\n',
          );
        },
        [['/usr/bin/rm', `${HOME}/dev/mem`]],
      );
    });

    it('a folder that is a link into the account’s own takes no jail; control: cp follows it', async () => {
      const change = [
        ['/usr/bin/rmdir', `${HOME}/bin`],
        ['/usr/bin/ln', '-s', 'var/www', `${HOME}/bin`],
      ];
      const back = [
        ['/usr/bin/rm', '-f', `${HOME}/bin`, `${HOME}/var/www/sh`],
        ['/usr/bin/mkdir', '--mode=0755', `${HOME}/bin`],
      ];
      await during(
        change,
        async () => {
          await refused({}, /no directory/);
          await run('/usr/bin/cp', '/bin/sh', `${HOME}/bin/sh`);
          expect(await run('/usr/bin/stat', '--format=%F', `${HOME}/var/www/sh`)).toBe('regular file\n');
        },
        back,
      );
    });

    it('a library that is a link to a customer’s file is not copied; control: cp -L copies it', async () => {
      const evil = `${HOME}/var/www/evil.so`;
      const change = [
        ['/usr/bin/cp', '/usr/bin/true', '/usr/bin/asks'],
        ['/usr/bin/cp', '/usr/bin/true', evil],
        ['/usr/bin/chown', `${uid}:${uid}`, evil],
        ['/usr/bin/mv', '/usr/bin/asks', '/usr/bin/asks.real'],
        ['/usr/bin/ln', '-s', evil, '/usr/bin/asks'],
      ];
      await during(change, async () => {
        await refused({ programs: ['/usr/bin/asks'] }, /no folder of the system/);
        await run('/usr/bin/cp', '-L', '/usr/bin/asks', `${HOME}/bin/asks`);
        expect(await run('/usr/bin/cmp', evil, `${HOME}/bin/asks`)).toBe('');
        await run('/usr/bin/chmod', '0777', '/usr/bin/asks.real');
        await refused({ programs: ['/usr/bin/asks.real'] }, /may be written by others/);
      }, [['/usr/bin/rm', '-f', evil, '/usr/bin/asks', '/usr/bin/asks.real', `${HOME}/bin/asks`]]);
    });

    it('what somebody else has put there is not replaced, and its own removal names what is strange', async () => {
      await during(
        [['/usr/bin/cp', '/bin/true', `${HOME}/bin/sh`]],
        () => refused({}, /bin\/sh is there, and not by this/),
        [['/usr/bin/rm', `${HOME}/bin/sh`]],
      );
      const { changes } = await make();
      const strange = `${HOME}/usr/bin/strange`;
      await during(
        [['/usr/bin/touch', strange]],
        async () => {
          expect(await hosting.actions.apply('account.remove-jail', JAIL)).toMatchObject({
            ok: false,
            detail: expect.stringMatching(/strange is not of this jail/),
          });
        },
        [['/usr/bin/rm', strange]],
      );
      expect(await undo(changes)).toEqual([]);
    });

    it.each([
      [['/usr/bin/../../srv/vol1/x']],
      [['/srv/vol1/w4a100010/var/www/x']],
      [['bin/sh']],
      [['/bin/sh', '/bin/.hidden']],
      [['/bin/-x']],
    ])('the programs %j are no arguments', async (programs) => {
      expect(await hosting.actions.apply('account.make-jail', { name, programs })).toMatchObject({
        ok: false,
        code: 'ACTION_ARGUMENTS',
      });
    });

    it('a script and a program that is not there are refused with their names', async () => {
      await refused({ programs: ['/usr/bin/ldd'] }, /ldd is no program by itself/);
      await refused({ programs: ['/usr/bin/nothing'] }, /nothing is not on this node/);
    });
  });
});
