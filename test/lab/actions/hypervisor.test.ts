import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { expectDone } from './hosting-node.ts';
import { CONFIG, standHypervisorNode, type HypervisorNode } from './hypervisor-node.ts';
import { GUEST_GOES_DOWN, GUEST_IS_UP, GUEST_MEMORY_MIB } from './tiny-guest.ts';

const lab = labRequirements();
/** Beside it stands one that hears nothing, and one that is off. */
const GUEST = 'web1';

describe.skipIf(!lab.ok)('guests of a real libvirt, emulated by qemu', () => {
  let stand: HypervisorNode;
  beforeAll(async () => {
    stand = await standHypervisorNode({ name: 'hypervisor' });
    await stand.defineGuest(GUEST);
    await stand.defineGuest('idle', { isDeaf: true });
    await stand.defineGuest('deaf', { isDeaf: true });
  });
  afterAll(() => stand.node.destroy());

  const apply = async (action: string, args: object = { guest: GUEST }) =>
    expectDone(await stand.actions.apply(action, args));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  const serial = (): Promise<string> => stand.serialOf(GUEST);
  const states = async (): Promise<string> => stand.virsh('list', '--all');
  const stateOf = async (guest: string): Promise<string> => stand.virsh('domstate', guest);
  const timesUp = async (guest = GUEST): Promise<number> => (await stand.serialOf(guest)).split(GUEST_IS_UP).length - 1;
  /** It has booted so often, and hears its power button. */
  const booted = async (times: number, guest = GUEST): Promise<void> =>
    void (await waitUntil(`${guest} to boot`, async () => (await timesUp(guest)) === times, { timeoutMs: 60_000 }));

  it('guest.list shows each with its state, and changes nothing', async () => {
    const before = await states();
    const { changes, data, notes } = expectDone(await stand.actions.plan('guest.list', {}));
    const row = {
      identity: expect.stringMatching(/^[0-9a-f-]{36}$/),
      state: 'off',
      cpus: 1,
      memoryMiB: GUEST_MEMORY_MIB,
    };
    expect(data).toEqual(['deaf', 'idle', GUEST].map((name) => ({ ...row, name })));
    expect(changes).toEqual([]);
    expect(notes).toEqual(['3 guests, 0 of them run.']);
    expect(await states()).toBe(before);
  });

  it('guest.start boots it; twice is once; undo shuts it down', async () => {
    const before = await states();
    const planned = expectDone(await stand.actions.plan('guest.start', { guest: GUEST }));
    expect(await states()).toBe(before);
    const done = await apply('guest.start');
    expect(done.changes).toEqual(planned.changes);
    await booted(1);
    expect((await apply('guest.start')).changes).toEqual([]);
    expect(await stateOf('idle')).toBe('shut off');
    expect(await undo(done.changes)).toEqual([]);
    expect(await serial()).toContain(GUEST_GOES_DOWN);
    expect(await states()).toBe(before);
  });
  it('guest.reboot is another run of the same guest', async () => {
    await apply('guest.start');
    await booted(2);
    const { verified } = await apply('guest.reboot');
    expect(verified.map(({ saw }) => saw)).toEqual(['running', 'a new one']);
    await booted(3);
  });

  it('guest.shutdown asks it, twice is once, and undo starts it', async () => {
    const done = await apply('guest.shutdown');
    expect(await stateOf(GUEST)).toBe('shut off');
    expect((await serial()).split(GUEST_GOES_DOWN)).toHaveLength(4);
    expect((await apply('guest.shutdown')).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    await booted(4);
  });

  it.each(['guest.shutdown', 'guest.reboot'])(
    '%s, killed in the middle and undone, leaves it running',
    async (action) => {
      const { changes } = expectDone(await stand.actions.plan(action, { guest: GUEST }));
      const input = JSON.stringify({ mode: 'apply', action, args: { guest: GUEST }, dieAt: changes.length - 1 });
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(changes)).toEqual([]);
      expect(await stateOf(GUEST)).toBe('running');
    },
  );

  it('guest.start, killed in the middle, is as before or as after', async () => {
    const { changes } = expectDone(await stand.actions.plan('guest.start', { guest: 'idle' }));
    const input = JSON.stringify({ mode: 'apply', action: 'guest.start', args: { guest: 'idle' }, dieAt: 0 });
    await stand.node.run(process.execPath, [stand.actions.file], { input });
    const { states: found } = expectDone(await stand.actions.call({ mode: 'states', changes }));
    expect(found).toEqual([(await stateOf('idle')) === 'running' ? 'after' : 'before']);
  });

  it('a guest that does not answer is left running, and the action says so; guest.stop ends it', async () => {
    await apply('guest.start', { guest: 'deaf' });
    expect(await stand.actions.apply('guest.shutdown', { guest: 'deaf', waitS: 5 })).toMatchObject({
      ...{ ok: false, code: 'ACTION_FAILED', problems: [] },
      detail: expect.stringContaining('still runs after 5 s'),
    });
    expect(await stateOf('deaf')).toBe('running');
    const cut = await apply('guest.stop', { guest: 'deaf' });
    expect(await stateOf('deaf')).toBe('shut off');
    expect((await apply('guest.stop', { guest: 'deaf' })).changes).toEqual([]);
    expect(await undo(cut.changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  it('a cut that comes late does not hit the next run of the guest', async () => {
    await apply('guest.start', { guest: 'deaf' });
    const { changes } = expectDone(await stand.actions.plan('guest.stop', { guest: 'deaf' }));
    await apply('guest.stop', { guest: 'deaf' });
    await apply('guest.start', { guest: 'deaf' });
    const late = changes.map((change) =>
      change.kind === 'task' ? { ...change, when: 'undo', irreversible: false } : change,
    );
    expect(await undo(late as never)).toEqual([]);
    expect(await stateOf('deaf')).toBe('running');
    await apply('guest.stop', { guest: 'deaf' });
  });

  it('another guest under that name is not touched', async () => {
    const { changes } = expectDone(await stand.actions.plan('guest.start', { guest: 'deaf' }));
    await stand.virsh('undefine', 'deaf');
    await stand.defineGuest('deaf', { isDeaf: true });
    expect(await stand.actions.call({ mode: 'undo', changes })).toMatchObject({
      problems: [{ code: 'CHANGE_CONFLICT' }],
    });
    expect(await stateOf('deaf')).toBe('shut off');
  });

  it('a name that is an option, a number or a UUID is no guest; control: virsh takes each', async () => {
    await apply('guest.start', { guest: 'deaf' });
    const number = await stand.virsh('domid', 'deaf');
    const uuid = await stand.virsh('domuuid', 'deaf');
    for (const guest of ['--all', '-c', 'deaf\n', '../deaf', "x'; reboot", 'a'.repeat(64)]) {
      const answer = await stand.actions.apply('guest.stop', { guest });
      expect(answer).toMatchObject({ ok: false, code: 'ACTION_ARGUMENTS' });
    }
    for (const guest of [number, uuid])
      expect(await stand.actions.apply('guest.stop', { guest })).toMatchObject({
        detail: expect.stringContaining('no guest'),
      });
    expect(await stateOf('deaf')).toBe('running');
    await stand.virsh('destroy', number);
    expect(await stateOf('deaf')).toBe('shut off');
    expect(await stand.virsh('domstate', uuid)).toBe('shut off');
    expect(await stand.virsh('domstats', '--list-inactive', '--state')).toContain("Domain: 'idle'");
  });

  it.each(['--all', '1', '../x', 'deaf --mode agent'])(
    'a forged identity is refused by the driver: %j',
    async (identity) => {
      const args = { guest: 'deaf', identity };
      const change = { kind: 'task', task: 'hypervisor.bring-back', args, title: '', when: 'undo' };
      expect(await undo([change as never])).toMatchObject([{ code: 'CHANGE_CONFLICT' }]);
      expect(await stateOf('deaf')).toBe('shut off');
    },
  );

  it.each([['qemu+ssh://evil.example/system'], ['qemu:///system?command=/usr/bin/touch'], ['test:///etc/shadow']])(
    'an address of another machine in the file is refused: %s',
    async (uri) => {
      await stand.node.writeFile('/etc/hosting/hypervisor.toml', `driver = "libvirt"\nuri = "${uri}"\n`);
      expect(await stand.actions.plan('guest.list', {})).toMatchObject({
        detail: expect.stringContaining('uri must name'),
      });
      await stand.node.writeFile('/etc/hosting/hypervisor.toml', CONFIG);
    },
  );

  it('a file that others may write, or a link to one, is not believed', async () => {
    const file = '/etc/hosting/hypervisor.toml';
    const refused = { ok: false, code: 'FILE_UNSAFE' };
    await stand.node.mustRun('/usr/bin/chmod', ['0666', file]);
    expect(await stand.actions.plan('guest.list', {})).toMatchObject(refused);
    await stand.node.mustRun('/usr/bin/chmod', ['0644', file]);
    await stand.node.mustRun('/usr/bin/chown', ['1000', file]);
    expect(await stand.actions.plan('guest.list', {})).toMatchObject(refused);
    await stand.node.mustRun('/usr/bin/chown', ['0', file]);
    await stand.node.mustRun('/usr/bin/mv', [file, '/tmp/theirs.toml']);
    await stand.node.mustRun('/usr/bin/ln', ['-s', '/tmp/theirs.toml', file]);
    expect(await stand.actions.plan('guest.list', {})).toMatchObject(refused);
    await stand.node.mustRun('/usr/bin/rm', [file]);
    expect(await stand.actions.plan('guest.list', {})).toMatchObject({
      detail: expect.stringContaining('no hypervisor'),
    });
    await stand.node.mustRun('/usr/bin/mv', ['/tmp/theirs.toml', file]);
  });
});
