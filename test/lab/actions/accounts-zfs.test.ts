import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, fetchPage, NEIGHBOUR } from './hosting-node.ts';
import { POOL, standZfsNode, type ZfsNode } from './zfs-node.ts';

const lab = labRequirements();
const { name, uid } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const DATASET = `${POOL}/${name}`;
const FILE = '/etc/hosting/zfs/homes';
const TRASH = '/srv/vol1/.trash';

describe.skipIf(!lab.ok)('accounts whose homes are datasets of a real pool of ZFS', () => {
  let stand: ZfsNode;
  beforeAll(async () => {
    stand = await standZfsNode('zfs-accounts');
    await run('/usr/bin/mkdir', '-p', '/etc/hosting/zfs');
    await stand.node.writeFile(FILE, `${POOL}\n`, 0o644);
  });
  afterAll(() => stand.destroy());

  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await stand.node.mustRun(program, args)).stdout;
  /** From inside: what is mounted in the node is not seen from outside. */
  const write = (path: string, input: string) => stand.node.mustRun('/usr/bin/tee', [path], { input });
  const apply = async (action: string, args: object) => expectDone(await stand.actions.apply(action, args));
  type Changes = Awaited<ReturnType<typeof apply>>['changes'];
  const undo = async (changes: Changes) => expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  const refused = async (action: string, args: object, why: RegExp): Promise<void> =>
    expect(await stand.actions.apply(action, args)).toMatchObject({ ok: false, detail: expect.stringMatching(why) });
  const property = async (which: string): Promise<string> =>
    (await stand.zfs('get', '-H', '-p', '-o', 'value', which, DATASET)).trim();
  const killAt = async (action: string, args: object, from: number): Promise<void> => {
    const before = await stand.tree();
    const { changes } = expectDone(await stand.actions.plan(action, args));
    for (let dieAt = Math.max(0, changes.length + from); dieAt < changes.length; dieAt += 1) {
      const input = JSON.stringify({ mode: 'apply', action, args, dieAt });
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree(), `${action} killed at ${dieAt}`).toBe(before);
    }
  };

  describe('account.set-quota', () => {
    /** Writes as the account, as far as it comes. */
    const fill = (mebibytes: number) =>
      stand.node.run(
        '/usr/bin/dd',
        ['if=/dev/urandom', `of=${HOME}/var/www/big`, 'bs=1M', `count=${mebibytes}`, 'conv=fsync'],
        { as: { uid, gid: uid } },
      );
    const limit = { name, hardMiB: 40 };

    it('sets refquota and leaves quota alone; the account can not write more; undo lets it again; killed, as before', async () => {
      await stand.zfs('set', 'quota=200M', DATASET);
      expect((await fill(20)).code).toBe(0);
      await killAt('account.set-quota', limit, -1);
      const done = await apply('account.set-quota', limit);
      expect(done.changes).toMatchObject([{ before: { hardMiB: null }, after: { hardMiB: 40 } }]);
      expect([await property('refquota'), await property('quota')]).toEqual([`${40 << 20}`, `${200 << 20}`]);
      expect((await apply('account.set-quota', limit)).changes).toEqual([]);
      expect(await fill(60)).toMatchObject({ code: 1, stderr: expect.stringContaining('quota') });
      await refused('account.set-quota', { name, hardMiB: 5, allowOverQuota: true }, /ZFS takes no limit below that/);
      expect(await undo(done.changes)).toEqual([]);
      expect(await property('refquota')).toBe('0');
      expect((await fill(60)).code).toBe(0);
      await run('/usr/bin/rm', `${HOME}/var/www/big`);
    });

    it.each([
      ['nobody has named a dataset of homes', null, /ZFS is not set up/],
      ['the home is not that dataset', 'tank', /is not the dataset tank\/w4a100010/],
    ])('is refused while %s', async (_, content, why) => {
      if (content === null) await run('/usr/bin/rm', FILE);
      else await stand.node.writeFile(FILE, content, 0o644);
      await refused('account.set-quota', limit, why);
      await stand.node.writeFile(FILE, `${POOL}\n`, 0o644);
    });
  });

  describe('account.delete', () => {
    const isMounted = async (path: string): Promise<boolean> =>
      (await stand.node.run('/usr/bin/mountpoint', ['-q', path])).code === 0;

    beforeAll(async () => {
      await write(`${HOME}/var/www/page.html`, 'of the account');
      await run('/usr/bin/chown', `${uid}:${uid}`, `${HOME}/var/www/page.html`);
    });

    it('keeps the home elsewhere and brings it back, where its mountpoint came from the dataset above as well', async () => {
      const { name: account, domain } = NEIGHBOUR;
      const [home, kept] = [`/srv/vol1/${account}`, `${TRASH}/${account}.1`];
      const page = await fetchPage(stand.node, domain);
      const before = await stand.tree();
      const planned = expectDone(await stand.actions.plan('account.delete', { name: account }));
      expect(planned.notes).toContainEqual(expect.stringContaining(`The home is ${POOL}/${account}`));
      expect(await stand.tree()).toBe(before);
      const done = await apply('account.delete', { name: account });
      expect(done.changes).toEqual(planned.changes);
      expect([await isMounted(kept), await stand.node.run('/usr/bin/test', ['-e', home])]).toMatchObject([
        true,
        { code: 1 },
      ]);
      expect(await run('/usr/bin/ls', kept)).toContain('var');
      expect((await apply('account.delete', { name: account })).changes).toEqual([]);
      expect(await undo(done.changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
      expect(await fetchPage(stand.node, domain)).toEqual(page);
    });

    it('killed while its home moves, it is as before', async () => {
      await killAt('account.delete', { name: NEIGHBOUR.name }, -1);
    });

    it('broken off while its home is not mounted anywhere, it is as before when undone', async () => {
      const before = await stand.tree();
      const { changes } = await apply('account.delete', { name });
      await stand.zfs('unmount', DATASET);
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
    });

    it('undone, it puts nothing over a home that somebody has made meanwhile; control: mounted there, it hides that', async () => {
      const before = await stand.tree();
      const { changes } = await apply('account.delete', { name });
      await run('/usr/bin/mkdir', HOME);
      await write(`${HOME}/of-another`, 'other');
      expect(await undo(changes)).toContainEqual(expect.objectContaining({ code: 'CHANGE_CONFLICT' }));
      expect(await run('/usr/bin/cat', `${HOME}/of-another`)).toBe('other');
      expect(await isMounted(`${TRASH}/${name}.1`)).toBe(true);
      await run('/usr/bin/mount', '--bind', `${TRASH}/${name}.1`, HOME);
      expect((await stand.node.run('/usr/bin/cat', [`${HOME}/of-another`])).code).not.toBe(0);
      await run('/usr/bin/umount', HOME);
      await run('/usr/bin/rm', '-r', HOME);
      expect(await undo(changes)).toEqual([]);
      expect(await stand.tree()).toBe(before);
    });
  });
});
