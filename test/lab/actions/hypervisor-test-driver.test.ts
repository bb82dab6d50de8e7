import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil, type RunningProgram } from '../program.ts';
import { nodePrograms } from '../programs.ts';
import { labRequirements } from '../requirements.ts';
import { expectDone } from './hosting-node.ts';
import { standHypervisorNode, type HypervisorNode } from './hypervisor-node.ts';

const lab = labRequirements();
const URI = 'test+unix:///default';
/** The guest that this driver always begins with: it runs. */
const GUEST = 'test';

/**
 * Libvirt's own test driver behind its real daemon. What was done to its guests is forgotten with the last connection, so
 * one is kept open for as long as these tests go on; each of our programs opens one of its own beside it.
 */
describe.skipIf(!lab.ok)('guests of the test driver of libvirt', () => {
  let stand: HypervisorNode;
  let keeper: RunningProgram;
  beforeAll(async () => {
    stand = await standHypervisorNode({ name: 'test-driver' });
    await stand.node.writeFile('/etc/hosting/hypervisor.toml', `driver = "libvirt"\nuri = "${URI}"\n`);
    keeper = await keep();
  });
  afterAll(() => stand.node.destroy());

  const keep = async (): Promise<RunningProgram> => {
    const kept = await stand.node.spawn(nodePrograms.virsh.path, ['--connect', URI, 'event', '--loop', '--all']);
    // It is there when what one of our connections did is known to the next.
    await waitUntil('a connection that stays', async () => {
      await virsh('snapshot-create-as', GUEST, 'kept');
      return (await virsh('snapshot-list', GUEST, '--name')) === 'kept';
    });
    await virsh('snapshot-delete', GUEST, 'kept');
    return kept;
  };
  const virsh = async (...args: readonly string[]): Promise<string> =>
    (await stand.node.run(nodePrograms.virsh.path, ['--quiet', '--connect', URI, ...args])).stdout.trim();
  const apply = async (action: string, more: object = {}) =>
    expectDone(await stand.actions.apply(action, { guest: GUEST, ...more }));
  const undo = async (changes: Awaited<ReturnType<typeof apply>>['changes']) =>
    expectDone(await stand.actions.call({ mode: 'undo', changes })).problems;
  const state = (): Promise<string> => virsh('domstate', GUEST);

  it('guest.list shows it', async () => {
    const { data } = expectDone(await stand.actions.plan('guest.list', {}));
    expect(data).toMatchObject([{ name: GUEST, identity: expect.stringMatching(/^[0-9a-f-]{36}$/), state: 'running' }]);
  });

  it.each([
    ['guest.shutdown', 'running', 'shut off'],
    ['guest.start', 'shut off', 'running'],
  ] as const)('%s is what the plan says, twice is once, killed or undone it is %s', async (action, before, after) => {
    if (before === 'shut off') await virsh('destroy', GUEST);
    const { changes } = expectDone(await stand.actions.plan(action, { guest: GUEST }));
    expect(await state()).toBe(before);
    for (let dieAt = 0; dieAt < changes.length; dieAt += 1) {
      const input = JSON.stringify({ mode: 'apply', action, args: { guest: GUEST }, dieAt });
      await stand.node.run(process.execPath, [stand.actions.file], { input });
      expect(await undo(changes)).toEqual([]);
      expect(await state()).toBe(before);
    }
    const done = await apply(action);
    expect(done.changes).toEqual(changes);
    expect(await state()).toBe(after);
    expect((await apply(action)).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    expect(await state()).toBe(before);
    if (before === 'shut off') await virsh('start', GUEST);
  });

  it('guest.reboot is another run, and guest.stop ends it', async () => {
    const run = await virsh('domid', GUEST);
    await apply('guest.reboot');
    expect(await state()).toBe('running');
    expect(await virsh('domid', GUEST)).not.toBe(run);
    await apply('guest.stop');
    expect(await state()).toBe('shut off');
    expect((await apply('guest.stop')).changes).toEqual([]);
  });

  it('guest.snapshot, guest.revert and guest.snapshot-delete', async () => {
    const done = await apply('guest.snapshot', { snapshot: 'friday' });
    expect((await apply('guest.snapshot', { snapshot: 'friday' })).changes).toEqual([]);
    await virsh('start', GUEST);
    await apply('guest.snapshot', { snapshot: 'monday' });
    await apply('guest.revert', { snapshot: 'friday' });
    expect(await state()).toBe('shut off');
    expect(await virsh('snapshot-list', GUEST, '--name')).toBe('friday\nmonday');
    expect(await stand.actions.plan('guest.delete', { guest: GUEST })).toMatchObject({
      detail: expect.stringContaining('has snapshots (friday, monday)'),
    });
    await apply('guest.snapshot-delete', { snapshot: 'monday' });
    expect(await undo(done.changes)).toEqual([]);
    expect(await virsh('snapshot-list', GUEST, '--name')).toBe('');
  });

  it('guest.delete keeps its definition; twice is once; undo brings it back as it was', async () => {
    const before = await virsh('dumpxml', GUEST);
    const done = await apply('guest.delete');
    expect(await virsh('list', '--all', '--name')).toBe('');
    expect((await apply('guest.delete')).changes).toEqual([]);
    expect(await undo(done.changes)).toEqual([]);
    expect(await virsh('dumpxml', GUEST)).toBe(before);
  });

  it('forgets everything with its last connection: control that the state above was the driver’s', async () => {
    expect(await state()).toBe('shut off');
    await keeper.stop('SIGKILL');
    await waitUntil('the last connection to end', async () => (await state()) === 'running');
  });
});
