import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../program.ts';
import { nodePrograms } from '../programs.ts';
import { labRequirements } from '../requirements.ts';
import { expectDone } from './hosting-node.ts';
import { IMAGES, standHypervisorNode, TEMPLATES, type HypervisorNode } from './hypervisor-node.ts';
import { GUEST_MEMORY_MIB } from './tiny-guest.ts';

const lab = labRequirements();
const KEY = `ssh-ed25519 ${'A'.repeat(68)} ops@example`;
const HOSTILE = `</description><devices><disk file='/etc/shadow'/></devices> & "'`;
const GUEST = {
  guest: 'web7',
  template: 'tiny',
  cpus: 1,
  memoryMiB: GUEST_MEMORY_MIB,
  diskGiB: 1,
  bridge: 'br0',
} as const;
const QEMU_IMG = nodePrograms.qemuImg.path;

describe.skipIf(!lab.ok)('guests that are made, kept and brought back', () => {
  let stand: HypervisorNode;
  beforeAll(async () => {
    stand = await standHypervisorNode({ name: 'maker' });
  });
  afterAll(() => stand.node.destroy());

  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await stand.node.mustRun(program, args)).stdout;
  const apply = async (action: string, args: object) => expectDone(await stand.actions.apply(action, args));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  /** All that is of guests: definitions, snapshots, files with their owners and content; the trash apart. */
  const look = async (): Promise<string> => {
    const files = ['-path', `${IMAGES}/.trash`, '-prune', '-o', '-printf', '%y %m %U:%G %p\n'];
    const sums = ['-path', `${IMAGES}/.trash`, '-prune', '-o', '-type', 'f', '-exec', '/usr/bin/sha256sum', '{}', '+'];
    const names = (await stand.virsh('list', '--all', '--name')).split('\n').filter((name) => name !== '');
    const definitions: string[] = [];
    for (const name of names) definitions.push(await stand.virsh('dumpxml', '--inactive', name));
    return [
      ...(await run('/usr/bin/find', IMAGES, ...files)).split('\n').toSorted(),
      ...(await run('/usr/bin/find', IMAGES, ...sums)).split('\n').toSorted(),
      ...definitions,
    ].join('\n');
  };
  const refused = async (action: string, args: object, why: RegExp): Promise<void> =>
    expect(await stand.actions.apply(action, args)).toMatchObject({ ok: false, detail: expect.stringMatching(why) });
  /** What stands behind the number of seconds on the serial line of a running guest, and that number. */
  const hear = async (guest: string): Promise<{ readonly tick: number; readonly seed: string }> => {
    const listen = ['2', '/usr/bin/cat', await stand.virsh('ttyconsole', guest)];
    const line = await waitUntil(
      'a whole line',
      async () => /tick (\d+) ([^]*?)\ntick/.exec((await stand.node.run('/usr/bin/timeout', listen)).stdout),
      { timeoutMs: 60_000 },
    );
    return { tick: Number(line[1]), seed: line[2] ?? '' };
  };

  it('guest.create is what the plan says, twice is once, and undo leaves the disk in the trash', async () => {
    const before = await look();
    const args = { ...GUEST, description: HOSTILE, sshKeys: [KEY] };
    const planned = expectDone(await stand.actions.plan('guest.create', args));
    expect(await look()).toBe(before);
    const done = await apply('guest.create', args);
    expect(done.changes).toEqual(planned.changes);
    expect(done.verified.map(({ saw }) => saw)).toEqual(['yes', '1 GiB']);
    expect((await apply('guest.create', args)).changes).toEqual([]);
    const xml = await stand.virsh('dumpxml', '--inactive', 'web7');
    expect(xml.match(/<disk /g)).toHaveLength(2);
    expect(xml).not.toContain("file='/etc/shadow'");
    expect((await stand.virsh('desc', 'web7')).trim()).toBe(HOSTILE);
    expect(await undo(done.changes)).toEqual([]);
    expect(await look()).toBe(before);
    expect(await run('/usr/bin/ls', `${IMAGES}/.trash`)).toMatch(/^web7\.tiny\.qcow2\.\d+\n$/);
  });

  it('control: libvirt takes a description that was not escaped for a disk', async () => {
    const [head, tail] = [
      "<domain type='qemu'><name>trap</name><memory>65536</memory><os><type>hvm</type></os>",
      '</domain>',
    ];
    const evil = `x</description><devices><disk type='file'><source file='/etc/shadow'/><target dev='vda'/></disk></devices><description>`;
    await stand.node.writeFile('/tmp/trap.xml', `${head}<description>${evil}</description>${tail}`);
    await stand.virsh('define', '--file', '/tmp/trap.xml');
    expect(await stand.virsh('domblklist', 'trap')).toContain('/etc/shadow');
    await stand.virsh('undefine', 'trap');
  });

  it('guest.create, killed at each step and undone, leaves nothing', async () => {
    const before = await look();
    const { changes } = expectDone(await stand.actions.plan('guest.create', GUEST));
    expect(changes).toHaveLength(4);
    for (let dieAt = 0; dieAt < changes.length; dieAt += 1) {
      const input = JSON.stringify({ mode: 'apply', action: 'guest.create', args: GUEST, dieAt });
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(changes)).toEqual([]);
      expect(await look(), `killed at ${dieAt}`).toBe(before);
    }
  });

  it('boots with what its seed says; a snapshot brings its memory back', async () => {
    await apply('guest.create', { ...GUEST, sshKeys: [KEY] });
    await apply('guest.start', { guest: 'web7' });
    expect((await hear('web7')).seed).toContain(KEY);
    const before = await stand.virsh('snapshot-list', 'web7');
    const args = { guest: 'web7', snapshot: 'friday' };
    const done = await apply('guest.snapshot', args);
    expect((await apply('guest.snapshot', args)).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    expect(await stand.virsh('snapshot-list', 'web7')).toBe(before);
    await apply('guest.snapshot', args);
    // The guest counts on while it is brought back, on a slow machine for long: it is let further ahead each time.
    let ahead = { late: 0, back: 0 };
    for (const ticks of [5, 20, 60]) {
      const { tick } = await hear('web7');
      const late = await waitUntil(
        'the guest to go on',
        async () => {
          const now = (await hear('web7')).tick;
          return now > tick + ticks && now;
        },
        { timeoutMs: 120_000 },
      );
      const { verified } = await apply('guest.revert', args);
      expect(verified).toMatchObject([{ ok: true, saw: 'friday' }]);
      ahead = { late, back: (await hear('web7')).tick };
      if (ahead.back < ahead.late) break;
    }
    expect(ahead.back).toBeLessThan(ahead.late);
    await refused('guest.revert', { guest: 'web7', snapshot: 'monday' }, /has no snapshot monday/);
    await refused('guest.delete', { guest: 'web7' }, /is running: shut it down first/);
    await apply('guest.shutdown', { guest: 'web7' });
    await refused('guest.delete', { guest: 'web7' }, /has snapshots \(friday\)/);
    await apply('guest.snapshot-delete', args);
    expect((await apply('guest.snapshot-delete', args)).changes).toEqual([]);
  });

  it('guest.delete keeps disk and definition; twice is once; undo brings both back', async () => {
    const before = await look();
    const done = await apply('guest.delete', { guest: 'web7' });
    expect(await stand.virsh('list', '--all', '--name')).toBe('');
    expect((await apply('guest.delete', { guest: 'web7' })).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    expect(await look()).toBe(before);
    for (let round = 0; round < 2; round += 1) {
      const input = JSON.stringify({ mode: 'apply', action: 'guest.delete', args: { guest: 'web7' }, dieAt: 0 });
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(done.changes)).toEqual([]);
      expect(await look()).toBe(before);
    }
  });

  it.each([
    ['guest', 'web7/../../etc'],
    ['template', '../../shadow'],
    ['bridge', 'br0;reboot'],
    ['snapshot', 'a/../b'],
  ])('a %s that is a path is refused: %s', async (key, value) => {
    const args = key === 'snapshot' ? { guest: 'web7', [key]: value } : { ...GUEST, [key]: value };
    await refused(key === 'snapshot' ? 'guest.snapshot' : 'guest.create', args, new RegExp(`argument ${key}`));
  });

  it.each(['web7/../../../etc/x', '../tiny', 'web7/tiny/..', '-a/tiny'])('a forged disk is refused: %j', async (id) => {
    const change = { kind: 'resource', resource: 'hypervisor.disk', id, before: null, after: { sizeGiB: 1 } };
    expect(await stand.actions.call({ mode: 'states', changes: [change as never] })).toMatchObject({
      ...{ ok: false, code: 'ACTION_REFUSED' },
    });
  });

  describe('a template', () => {
    const trap = { ...GUEST, guest: 'trap', template: 'trap' };
    const file = `${TEMPLATES}/trap.qcow2`;
    const secret = '/etc/shadow';

    it('that leans on /etc/shadow is refused; control: qemu-img copies its content into the guest', async () => {
      await run(QEMU_IMG, 'create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', file, '1M');
      await refused('guest.create', trap, /leans on another file/);
      await run(QEMU_IMG, 'convert', '-f', 'qcow2', '-O', 'raw', file, '/tmp/leak');
      expect(await run('/usr/bin/head', '-c', '20', '/tmp/leak')).toBe(await run('/usr/bin/head', '-c', '20', secret));
    });

    it("whose data lie in another customer's disk is refused; control: qemu-img copies them", async () => {
      await run('/usr/bin/rm', file);
      await stand.node.writeFile('/tmp/theirs', 'their secret'.padEnd(1024 * 1024, '.'));
      await run(QEMU_IMG, 'create', '-q', '-f', 'qcow2', '-o', 'data_file=/tmp/other,data_file_raw=on', file, '1M');
      await run('/usr/bin/cp', '/tmp/theirs', '/tmp/other');
      await refused('guest.create', trap, /data lie in another file/);
      await run(QEMU_IMG, 'convert', '-f', 'qcow2', '-O', 'raw', file, '/tmp/leak');
      expect(await run('/usr/bin/head', '-c', '12', '/tmp/leak')).toBe('their secret');
    });

    it('that is a link is refused; control: qemu-img follows it', async () => {
      await run('/usr/bin/mv', `${TEMPLATES}/tiny.qcow2`, '/tmp/elsewhere.qcow2');
      await run('/usr/bin/ln', '-sf', '/tmp/elsewhere.qcow2', file);
      await refused('guest.create', trap, /is a link/);
      expect(await run(QEMU_IMG, 'info', file)).toContain('file format: qcow2');
      await run('/usr/bin/mv', '/tmp/elsewhere.qcow2', `${TEMPLATES}/tiny.qcow2`);
    });

    it('that others may write, or somebody else owns, is refused', async () => {
      await run('/usr/bin/ln', '-f', `${TEMPLATES}/tiny.qcow2`, file);
      await run('/usr/bin/chmod', '0666', file);
      await refused('guest.create', trap, /may be written by others/);
      await run('/usr/bin/chmod', '0644', file);
      await run('/usr/bin/chown', '1000', file);
      await refused('guest.create', trap, /belongs to uid 1000/);
      await run('/usr/bin/chown', '0', file);
    });

    it('that is swapped for one with a backing file after the plan is not opened', async () => {
      const { changes } = expectDone(await stand.actions.plan('guest.create', trap));
      await run('/usr/bin/rm', file);
      await run(QEMU_IMG, 'create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', file, '1M');
      const input = JSON.stringify({ mode: 'apply', action: 'guest.create', args: trap });
      expect(
        JSON.parse((await stand.node.run(process.execPath, [stand.actions.file], { input })).stdout),
      ).toMatchObject({
        ...{ ok: false, detail: expect.stringContaining('leans on another file') },
      });
      expect(await undo(changes)).toEqual([]);
    });

    it('that is no disk, or is not there, is refused', async () => {
      await stand.node.writeFile(file, 'QFI');
      await refused('guest.create', trap, /is no qcow2 disk/);
      await run('/usr/bin/rm', file);
      await refused('guest.create', trap, /there is no template/);
    });
  });

  it('a bridge that root has not named, and a disk smaller than the template, are refused', async () => {
    await refused('guest.create', { ...GUEST, guest: 'other', bridge: 'lo' }, /bridge lo is not one/);
    await refused('guest.create', { ...GUEST, cpus: 2 }, /another definition already/);
  });
});
