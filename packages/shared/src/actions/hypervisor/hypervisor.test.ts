import { describe, expect, it } from 'vitest';
import { createFakeHost, FakeCrash, type FakeHost } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  changeState,
  parseActionArguments,
  revertChanges,
  type GuestState,
  type Planned,
} from '../index.ts';

const IDENTITY = '7c0deb36-c051-4c85-9168-3294f00d4061';
const POWER = resourceKey('hypervisor.power', 'web1');

/** A hypervisor with one guest; tasks change what is asked afterwards. */
function createNode(state: GuestState): FakeHost {
  const host = createFakeHost();
  const { world } = host;
  let run = 1;
  const stateNow = (): GuestState => (world.resources.get(POWER) as { state: GuestState }).state;
  const put = (next: GuestState): void => void world.resources.set(POWER, { identity: IDENTITY, state: next });
  put(state);
  world.answers['hypervisor.facts'] = ({ guest }) =>
    guest === 'web1'
      ? { name: guest, identity: IDENTITY, state: stateNow(), run: stateNow() === 'off' ? '' : String(run) }
      : null;
  world.answers['hypervisor.guests'] = () => [{ name: 'web1', identity: IDENTITY, state: stateNow(), cpus: 2 }];
  world.tasks['hypervisor.shutdown'] = () => put('off');
  world.tasks['hypervisor.cut'] = () => put('off');
  world.tasks['hypervisor.reboot'] = () => void (run += 1);
  world.tasks['hypervisor.bring-back'] = () => put('running');
  return host;
}

async function plan(host: FakeHost, name: string, args: object = { guest: 'web1' }): Promise<Planned> {
  const action = ACTIONS.get(name)!;
  const parsed = parseActionArguments(action, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return action.plan(host, parsed.args);
}
async function changesOf(host: FakeHost, name: string): Promise<Extract<Planned, { ok: true }>['changes']> {
  const planned = await plan(host, name);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const failedLooks = async (host: FakeHost, name: string, changes: Awaited<ReturnType<typeof changesOf>>) =>
  (await ACTIONS.get(name)!.verify(host, { guest: 'web1' }, changes)).filter(({ ok }) => !ok);

describe('the power of a guest', () => {
  it.each([
    ['guest.start', 'off'],
    ['guest.shutdown', 'running'],
    ['guest.reboot', 'running'],
  ] as const)('%s is done, seen, and taken back', async (name, state) => {
    const host = createNode(state);
    const before = host.snapshot();
    const changes = await changesOf(host, name);
    expect(host.snapshot()).toBe(before);
    expect(await failedLooks(host, name, changes)).not.toEqual([]);
    await applyChanges(host, changes);
    expect(await failedLooks(host, name, changes)).toEqual([]);
    if (name !== 'guest.reboot') expect(await changesOf(host, name)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it.each(['before', 'after'] as const)('a start killed %s its effect is as before or as after', async (when) => {
    const host = createNode('off');
    const changes = await changesOf(host, 'guest.start');
    host.crashAt(1, when);
    await expect(applyChanges(host, changes)).rejects.toThrow(FakeCrash);
    for (const change of changes) expect(await changeState(host, change)).toBe(when);
    expect(changes).toHaveLength(1);
  });

  it.each(['guest.shutdown', 'guest.reboot'])('%s that was killed brings the guest back when undone', async (name) => {
    const host = createNode('running');
    const changes = await changesOf(host, name);
    host.crashAt(1, 'after');
    await expect(applyChanges(host, changes)).rejects.toThrow(FakeCrash);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.world.resources.get(POWER)).toEqual({ identity: IDENTITY, state: 'running' });
  });

  it('a power cut is a moment that nobody takes back, and nothing for a guest that is off', async () => {
    const host = createNode('paused');
    const changes = await changesOf(host, 'guest.stop');
    await applyChanges(host, changes);
    expect(host.effects).toEqual([`hypervisor.cut {"guest":"web1","identity":"${IDENTITY}","run":"1"}`]);
    expect(await failedLooks(host, 'guest.stop', changes)).toEqual([]);
    expect(await changesOf(host, 'guest.stop')).toEqual([]);
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  it.each([
    ['guest.start', 'paused', /is paused: resume it/],
    ['guest.start', 'other', /neither runs nor is it off/],
    ['guest.shutdown', 'paused', /is paused: resume it/],
    ['guest.reboot', 'off', /does not run \(off\): start it instead/],
  ] as const)('%s is refused for a guest that is %s', async (name, state, wanted) => {
    expect(await plan(createNode(state), name)).toMatchObject({ ok: false, detail: expect.stringMatching(wanted) });
  });

  it.each(['guest.start', 'guest.shutdown', 'guest.stop', 'guest.reboot'])(
    '%s of a guest that is not there is refused',
    async (name) => {
      expect(await plan(createNode('off'), name, { guest: 'web2' })).toMatchObject({
        ...{ ok: false, code: 'ACTION_REFUSED', detail: 'there is no guest web2 on this hypervisor' },
      });
    },
  );

  it('a guest that was started by somebody else meanwhile is left alone by undo', async () => {
    const host = createNode('off');
    const changes = await changesOf(host, 'guest.start');
    host.world.resources.set(POWER, { identity: 'another', state: 'running' });
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'CHANGE_CONFLICT' }]);
  });

  it('guest.list has a row each', async () => {
    expect(await plan(createNode('running'), 'guest.list', {})).toMatchObject({
      changes: [],
      notes: ['1 guests, 1 of them run.'],
      data: [{ name: 'web1', state: 'running', cpus: 2 }],
    });
  });

  it.each(['--all', '-c', '', '.', '../x', 'a b', "a'b", 'a\nb', '<name>', 'a/', 'ä', 'a'.repeat(64)])(
    'the name %j is refused as an argument',
    (guest) => {
      for (const name of ['guest.start', 'guest.shutdown', 'guest.stop', 'guest.reboot'])
        expect(parseActionArguments(ACTIONS.get(name)!, { guest })).toMatchObject({ ok: false });
    },
  );
});
