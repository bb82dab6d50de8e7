import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOrTakeBack, type CleanupList } from '../cleanup-list.ts';
import { mustRunProgram } from '../program.ts';
import { programs } from '../programs.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, NEIGHBOUR, standHostingNode, type HostingNode } from './hosting-node.ts';

const lab = labRequirements();
const { name, uid } = ACCOUNT;
const MKFS = '/usr/sbin/mkfs.btrfs';
const BTRFS = '/usr/bin/btrfs';

/** A btrfs of its own with one subvolume, of which the account's home is made. */
async function mountHomes(cleanup: CleanupList): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-quota-'));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const [image, homes] = [join(folder, 'image'), join(folder, 'homes')];
  await mustRunProgram('/usr/bin/truncate', ['--size=400M', image]);
  await mustRunProgram(MKFS, ['--quiet', image]);
  await mustRunProgram('/usr/bin/mkdir', [homes]);
  await mustRunProgram(programs.mount.path, ['--no-mtab', '-o', 'loop', image, homes]);
  cleanup.add(async () => void (await mustRunProgram(programs.umount.path, [homes])));
  await mustRunProgram(BTRFS, ['quota', 'enable', homes]);
  await mustRunProgram(BTRFS, ['subvolume', 'create', join(homes, name)]);
  return homes;
}

describe.skipIf(!lab.ok)('account.set-quota on a real btrfs', () => {
  let hosting: HostingNode;
  let destroy: (() => Promise<void>) | null = null;
  beforeAll(async () => {
    await makeOrTakeBack(async (cleanup) => {
      const binds = [{ hostPath: await mountHomes(cleanup), nodePath: '/srv/vol1', writable: true }];
      hosting = await standHostingNode({ name: 'quota', binds });
      cleanup.add(() => hosting.node.destroy());
      for (const account of [ACCOUNT, NEIGHBOUR]) expectDone(await hosting.actions.apply('account.create', account));
      destroy = cleanup.run;
    });
  });
  afterAll(() => destroy?.());

  /** Writes as the account, as far as it comes. */
  const fill = (mebibytes: number) =>
    hosting.node.run(
      '/usr/bin/dd',
      ['if=/dev/urandom', `of=/srv/vol1/${name}/var/www/big`, 'bs=1M', `count=${mebibytes}`, 'conv=fsync'],
      { as: { uid, gid: uid } },
    );

  it('keeps the account from writing more; undo lets it again; twice is once', async () => {
    const { actions } = hosting;
    expect((await fill(40)).code).toBe(0);
    const done = expectDone(await actions.apply('account.set-quota', { name, hardMiB: 60 }));
    expect(done.changes).toMatchObject([{ before: { hardMiB: null }, after: { hardMiB: 60 } }]);
    expect(await fill(100)).toMatchObject({ code: 1, stderr: expect.stringContaining('quota') });
    expect(expectDone(await actions.apply('account.set-quota', { name, hardMiB: 60 })).changes).toEqual([]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
    expect((await fill(100)).code).toBe(0);
  });

  it('less than is used is refused, unless it is said', async () => {
    const { actions } = hosting;
    await hosting.node.mustRun('/usr/bin/sync');
    const args = { name, hardMiB: 50 };
    expect(await actions.apply('account.set-quota', args)).toMatchObject({
      ...{ ok: false, code: 'ACTION_REFUSED' },
      detail: expect.stringContaining('MiB already'),
    });
    expectDone(await actions.apply('account.set-quota', { ...args, allowOverQuota: true }));
    expectDone(await actions.apply('account.set-quota', { name }));
  });

  it('a home that is a plain folder can not be limited, and that is said', async () => {
    expect(await hosting.actions.apply('account.set-quota', { name: NEIGHBOUR.name, hardMiB: 50 })).toMatchObject({
      ...{ ok: false, code: 'ACTION_REFUSED' },
      detail: expect.stringContaining('is no btrfs subvolume of its own'),
    });
  });
});
