import { describe, expect, it } from 'vitest';
import { createFakeHost, FakeCrash, type FakeHost } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import { ACTIONS, applyChanges, parseActionArguments, revertChanges, type GuestState, type Planned } from '../index.ts';

const IDENTITY = '7c0deb36-c051-4c85-9168-3294f00d4061';
const FOLDER = '/srv/images/web7';
const CREATE = { guest: 'web7', template: 'debian12', cpus: 2, memoryMiB: 512, diskGiB: 10, bridge: 'br0' };
const SNAPSHOT = { guest: 'web7', snapshot: 'friday' };
const guestKey = resourceKey('hypervisor.guest', 'web7');
const snapshotKey = resourceKey('hypervisor.snapshot', 'web7/friday');
const keptKey = resourceKey('hypervisor.kept', 'web7');

interface NodeMore {
  readonly exists?: boolean;
  readonly state?: GuestState;
  readonly identity?: string;
}

function createNode({ exists = false, state = 'off', identity = IDENTITY }: NodeMore = {}): FakeHost {
  const host = createFakeHost();
  const { world } = host;
  const meta = { mode: 0o755, uid: 0, gid: 0 };
  world.files.set('/srv/images', { type: 'directory', ...meta });
  let current: string | null = null;
  world.answers['hypervisor.facts'] = ({ guest }) =>
    (exists || world.resources.has(guestKey)) && !world.resources.has(keptKey)
      ? { name: guest, identity, state, run: '1' }
      : null;
  world.answers['hypervisor.prepare'] = () => ({
    identity: IDENTITY,
    mac: '52:54:00:00:00:01',
    folder: FOLDER,
    templateGiB: 3,
  });
  world.answers['hypervisor.snapshots'] = () => ({
    names: world.resources.has(snapshotKey) ? ['friday'] : [],
    current,
  });
  world.tasks['hypervisor.revert'] = ({ snapshot }) => void (current = snapshot);
  return host;
}

async function plan(host: FakeHost, name: string, args: object): Promise<Planned> {
  const action = ACTIONS.get(name)!;
  const parsed = parseActionArguments(action, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return action.plan(host, parsed.args);
}
async function changesOf(host: FakeHost, name: string, args: object) {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const verified = async (host: FakeHost, name: string, args: object): Promise<boolean> =>
  (await ACTIONS.get(name)!.verify(host, args, await changesOf(host, name, args))).every(({ ok }) => ok);

describe('a guest from a template', () => {
  it.each([
    ['guest.create', CREATE, {}],
    ['guest.snapshot', SNAPSHOT, { exists: true, state: 'running' }],
    ['guest.delete', { guest: 'web7' }, { exists: true }],
  ] as const)('%s is done, twice is once, and taken back', async (name, args, node) => {
    const host = createNode(node);
    const before = host.snapshot();
    const changes = await changesOf(host, name, args);
    expect(host.snapshot()).toBe(before);
    expect(await verified(host, name, args)).toBe(false);
    await applyChanges(host, changes);
    expect(await changesOf(host, name, args)).toEqual([]);
    expect(await verified(host, name, args)).toBe(true);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('guest.create makes folder, disk, seed and definition, in that order; killed anywhere it is taken back', async () => {
    const changes = await changesOf(createNode(), 'guest.create', { ...CREATE, description: '<b>&', sshKeys: [] });
    expect(changes.map((change) => (change.kind === 'resource' ? change.resource : change.kind))).toEqual([
      ...['directory', 'hypervisor.disk', 'hypervisor.seed', 'hypervisor.guest'],
    ]);
    for (let nth = 1; nth <= changes.length; nth += 1)
      for (const when of ['before', 'after'] as const) {
        const host = createNode();
        const before = host.snapshot();
        host.crashAt(nth, when);
        await expect(applyChanges(host, changes)).rejects.toThrow(FakeCrash);
        expect(await revertChanges(host, changes)).toEqual([]);
        expect(host.snapshot()).toBe(before);
      }
  });

  it.each([
    ['of a name that is taken', { exists: true, identity: 'another' }, CREATE, /there is a guest web7 already/],
    ['smaller than its template', {}, { ...CREATE, diskGiB: 2 }, /has 3 GiB/],
  ] as const)('guest.create %s is refused', async (_name, node, args, wanted) => {
    expect(await plan(createNode(node), 'guest.create', args)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(wanted),
    });
  });

  it('guest.create of a guest that has another definition, or another disk, is refused', async () => {
    const host = createNode();
    await applyChanges(host, await changesOf(host, 'guest.create', CREATE));
    expect(await plan(host, 'guest.create', { ...CREATE, cpus: 4 })).toMatchObject({
      detail: expect.stringMatching(/another definition/),
    });
    expect(await plan(host, 'guest.create', { ...CREATE, diskGiB: 11 })).toMatchObject({
      detail: expect.stringMatching(/with 10 GiB already/),
    });
  });

  it.each([
    ['guest', '../web7'],
    ['guest', '--all'],
    ['template', '../../shadow'],
    ['template', 'a/b'],
    ['bridge', 'br0"/><disk'],
    ['description', 'a\nb'],
    ['sshKeys', ['ssh-rsa x\nroot: y']],
    ['sshKeys', ['-----BEGIN OPENSSH PRIVATE KEY-----']],
  ])('guest.create with %s %j is refused as an argument', (key, value) => {
    expect(parseActionArguments(ACTIONS.get('guest.create')!, { ...CREATE, [key]: value })).toMatchObject({
      ok: false,
    });
  });

  it('guest.delete of a guest that runs, or has snapshots, is refused; of none is nothing', async () => {
    expect(await plan(createNode({ exists: true, state: 'running' }), 'guest.delete', { guest: 'web7' })).toMatchObject(
      {
        detail: 'web7 is running: shut it down first',
      },
    );
    const host = createNode({ exists: true });
    host.world.resources.set(snapshotKey, { identity: IDENTITY });
    expect(await plan(host, 'guest.delete', { guest: 'web7' })).toMatchObject({
      detail: expect.stringContaining('(friday)'),
    });
    expect(await plan(createNode(), 'guest.delete', { guest: 'web7' })).toMatchObject({ ok: true, changes: [] });
  });
});

describe('guest.migrate', () => {
  const MOVE = { guest: 'web7', to: 'node2' };
  function createPair(state: GuestState, local: readonly string[] = []): FakeHost {
    const host = createNode({ exists: true, state });
    let isMoved = false;
    const here = host.world.answers['hypervisor.facts'];
    host.world.answers['hypervisor.facts'] = (args) => (isMoved ? null : (here?.(args) ?? null));
    host.world.answers['hypervisor.hosts'] = () => ['node2'];
    host.world.answers['hypervisor.local-disks'] = () => local;
    host.world.answers['hypervisor.is-at'] = () => isMoved;
    host.world.tasks['hypervisor.migrate'] = () => void (isMoved = true);
    return host;
  }

  it.each(['running', 'off'] as const)('moves a guest that is %s, and nobody takes that back', async (state) => {
    const host = createPair(state);
    const changes = await changesOf(host, 'guest.migrate', MOVE);
    expect(await ACTIONS.get('guest.migrate')!.verify(host, MOVE, changes)).toMatchObject([
      { ok: false },
      { ok: false },
    ]);
    await applyChanges(host, changes);
    expect(await ACTIONS.get('guest.migrate')!.verify(host, MOVE, changes)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  it.each(['qemu+ssh://evil.example/system', 'node2/../x', '--desturi', 'node2?command=x', 'node2\n', ''])(
    'an address instead of a name is refused as an argument: %j',
    (to) =>
      expect(parseActionArguments(ACTIONS.get('guest.migrate')!, { guest: 'web7', to })).toMatchObject({ ok: false }),
  );

  it('to a host that root has not named, of a paused guest, or copied while it is off, is refused', async () => {
    expect(await plan(createPair('off'), 'guest.migrate', { ...MOVE, to: 'evil.example' })).toMatchObject({
      detail: expect.stringContaining('is not one of the hypervisors that this node knows (node2)'),
    });
    expect(await plan(createPair('paused'), 'guest.migrate', MOVE)).toMatchObject({ ok: false });
    expect(await plan(createPair('off'), 'guest.migrate', { ...MOVE, disks: 'copied' })).toMatchObject({ ok: false });
  });

  it.each([
    ['running', 'use disks copied'],
    ['off', 'start it first, and use disks copied'],
  ] as const)('of a guest that is %s, with a disk that lies here alone, is refused', async (state, way) => {
    expect(await plan(createPair(state, ['/srv/web7.qcow2']), 'guest.migrate', MOVE)).toMatchObject({
      detail: `/srv/web7.qcow2 lies on this machine alone, and node2 would not find it: ${way}`,
    });
  });

  it('copied, asks for no shared disk', async () => {
    const host = createPair('running', ['/srv/web7.qcow2']);
    expect(await changesOf(host, 'guest.migrate', { ...MOVE, disks: 'copied' })).toHaveLength(1);
  });
});

describe('snapshots of a guest', () => {
  it('are gone for good when they are removed', async () => {
    const host = createNode({ exists: true });
    host.world.resources.set(snapshotKey, { identity: IDENTITY });
    expect(await verified(host, 'guest.snapshot-delete', SNAPSHOT)).toBe(false);
    const changes = await changesOf(host, 'guest.snapshot-delete', SNAPSHOT);
    await applyChanges(host, changes);
    expect(await verified(host, 'guest.snapshot-delete', SNAPSHOT)).toBe(true);
    expect(await changesOf(host, 'guest.snapshot-delete', SNAPSHOT)).toEqual([]);
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  it('are what a guest is brought back to, and nobody takes that back', async () => {
    const host = createNode({ exists: true, state: 'running' });
    expect(await plan(host, 'guest.revert', SNAPSHOT)).toMatchObject({ detail: 'web7 has no snapshot friday' });
    host.world.resources.set(snapshotKey, { identity: IDENTITY });
    expect(await verified(host, 'guest.revert', SNAPSHOT)).toBe(false);
    const changes = await changesOf(host, 'guest.revert', SNAPSHOT);
    await applyChanges(host, changes);
    expect(await verified(host, 'guest.revert', SNAPSHOT)).toBe(true);
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  it.each(['', '-a', 'a/../b', 'A', 'a b', 'a'.repeat(41)])('the name %j is refused as an argument', (snapshot) => {
    for (const name of ['guest.snapshot', 'guest.snapshot-delete', 'guest.revert'])
      expect(parseActionArguments(ACTIONS.get(name)!, { guest: 'web7', snapshot })).toMatchObject({ ok: false });
  });

  it('are not taken of a guest that is paused, nor of one that is not there', async () => {
    expect(await plan(createNode({ exists: true, state: 'paused' }), 'guest.snapshot', SNAPSHOT)).toMatchObject({
      ok: false,
    });
    for (const name of ['guest.snapshot', 'guest.snapshot-delete', 'guest.revert'])
      expect(await plan(createNode(), name, SNAPSHOT)).toMatchObject({
        detail: expect.stringContaining('there is no guest'),
      });
  });
});
