import { describe, expect, it } from 'vitest';
import { resourceKey } from '../../testing/fake-world.ts';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import { applyChanges, parseActionArguments, revertChanges, type Planned } from '../index.ts';
import { MAIL_ACTIONS } from './index.ts';
import type { QueuedMessage } from './mail-host.ts';

const HASH = `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`;
const BOX = { domain: 'w4a.example.net', local: 'jo.doe' } as const;
const ADDRESS = 'jo.doe@w4a.example.net';
const STATE = { passwordHash: HASH, quotaMiB: 10, suspended: false };
const ROOT = { mode: 0o755, uid: 0, gid: 0 };

const find = (name: string) => MAIL_ACTIONS.find((action) => action.name === name)!;

interface Scene {
  readonly host: FakeHost;
  /** Held or not, by id. */
  readonly queue: Map<string, boolean>;
}

/** A node with one mailbox and three messages in the queue. */
function createScene(): Scene {
  const host = createFakeHost();
  const { resources, answers, tasks, files, groups } = host.world;
  const queue = new Map([
    ['4ZbcdfghjkB', false],
    ['4ZbcdfghjkC', false],
    ['4ZbcdfghjkD', true],
  ]);
  groups.set('dovecot', { name: 'dovecot', gid: 108, members: [] });
  resources.set(resourceKey('mail.mailbox', ADDRESS), STATE);
  resources.set(resourceKey('mail.messages', ADDRESS), { place: 'live' });
  for (const path of ['/etc/hosting', '/etc/hosting/mail', '/srv/mail'])
    files.set(path, { type: 'directory', ...ROOT });
  files.set('/etc/hosting/mail/users', { type: 'file', content: '', ...ROOT, mode: 0o640 });
  answers['mail.lookup'] = ({ address }) => {
    const box = resources.get(resourceKey('mail.mailbox', address)) as typeof STATE | undefined;
    return {
      home: box === undefined ? null : '/srv/mail',
      quotaRule: box === undefined ? null : `*:storage=${box.quotaMiB}M`,
      accepts: box !== undefined,
    };
  };
  answers['mail.queue'] = ({ filter, limit }) => {
    const all = [...queue].map(([id, held]): QueuedMessage => ({
      id,
      held,
      sender: 'spam@bad.example',
      recipient: 'x@far.example',
      recipients: 1,
      reason: '',
      sizeBytes: 1,
      arrivedAtS: 1,
    }));
    const messages = all.filter((message) => filter.ids?.includes(message.id) ?? true);
    return {
      total: all.length,
      matching: messages.length,
      messages: messages.slice(0, limit),
      bySenderDomain: [],
      byRecipientDomain: [],
      byReason: [],
    };
  };
  const setAll = (held: boolean) => (args: { readonly ids: readonly string[] }) =>
    args.ids.forEach((id) => queue.has(id) && queue.set(id, held));
  tasks['mail.queue-hold'] = setAll(true);
  tasks['mail.queue-release'] = setAll(false);
  tasks['mail.queue-delete'] = ({ ids }) => ids.forEach((id) => queue.delete(id));
  return { host, queue };
}

async function plan({ host }: Scene, name: string, args: unknown): Promise<Planned> {
  const parsed = parseActionArguments(find(name), args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return find(name).plan(host, parsed.args);
}
async function changesOf(scene: Scene, name: string, args: unknown) {
  const planned = await plan(scene, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const stateOf = ({ host, queue }: Scene): string => host.snapshot() + JSON.stringify([...queue]);

const SCENES: readonly [string, unknown, ((scene: Scene) => void)?][] = [
  ['mail.setup', {}],
  ['mailbox.create', { ...BOX, local: 'new', passwordHash: HASH, quotaMiB: 5 }],
  ['mailbox.set-quota', { ...BOX, quotaMiB: 20 }],
  ['mailbox.suspend', BOX],
  [
    'mailbox.unsuspend',
    BOX,
    ({ host }) => void host.world.resources.set(resourceKey('mail.mailbox', ADDRESS), { ...STATE, suspended: true }),
  ],
  ['mailbox.delete', BOX],
  ['mail.queue-hold', { sender: 'spam@bad.example' }],
  ['mail.queue-release', { senderDomain: 'bad.example' }],
];

describe.each(SCENES)('%s', (name, args, prepare) => {
  const scene = (): Scene => {
    const made = createScene();
    prepare?.(made);
    return made;
  };

  it('does what it plans; twice is once; undo leaves the node as it was', async () => {
    const made = scene();
    const before = stateOf(made);
    const changes = await changesOf(made, name, args);
    expect(stateOf(made)).toBe(before);
    await applyChanges(made.host, changes);
    expect(stateOf(made)).not.toBe(before);
    expect((await find(name).verify(made.host, args, changes)).filter((check) => !check.ok)).toEqual([]);
    expect(await changesOf(made, name, args)).toEqual([]);
    expect(await revertChanges(made.host, changes)).toEqual([]);
    expect(stateOf(made)).toBe(before);
  });

  it('goes back after a crash at any effect', async () => {
    const made = () => {
      const one = scene();
      return { host: one.host, changes: () => changesOf(one, name, args), state: () => stateOf(one) };
    };
    expect(await sweepCrashes(made)).toEqual([]);
  });
});

describe('the queue', () => {
  it('deletes, and says which one is still there when postsuper lied', async () => {
    const scene = createScene();
    const args = { ids: ['4ZbcdfghjkC', '4ZbcdfghjkB'] };
    const changes = await changesOf(scene, 'mail.queue-delete', args);
    scene.host.world.tasks['mail.queue-delete'] = () => void scene.queue.delete('4ZbcdfghjkB');
    await applyChanges(scene.host, changes);
    expect(await find('mail.queue-delete').verify(scene.host, args, changes)).toEqual([
      { name: 'They are gone', ok: false, saw: '1 of 2 are gone, not 4ZbcdfghjkC' },
    ]);
    expect(find('mail.queue-delete').risk).toBe('high');
    expect(await revertChanges(scene.host, changes)).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });

  it('says which ids are not there, and changes nothing for them', async () => {
    expect(await plan(createScene(), 'mail.queue-delete', { ids: ['4ZXXXXXXXXX'] })).toMatchObject({
      ok: true,
      changes: [],
      notes: [expect.stringContaining('not in the queue')],
    });
  });

  it('tries what is not on hold again, or all', async () => {
    const scene = createScene();
    expect(await changesOf(scene, 'mail.queue-flush', { senderDomain: 'bad.example' })).toMatchObject([
      { args: { ids: ['4ZbcdfghjkB', '4ZbcdfghjkC'] } },
    ]);
    expect(await changesOf(scene, 'mail.queue-flush', { all: true })).toMatchObject([{ args: { ids: null } }]);
  });

  it.each(['ALL', '-', '-d', 'ALL deferred', '../x', 'ABCD', '4Zbcdfghjk\n', '4Zbcdfghjk;', ''])(
    'refuses the id %j',
    (id) => {
      for (const name of ['delete', 'hold', 'release', 'flush', 'list'])
        expect(parseActionArguments(find(`mail.queue-${name}`), { ids: [id] }).ok).toBe(false);
    },
  );

  it.each(['(a+)+$@x.example', '.*', 'a@', '<>', '-f@x.example', "a'@x.example", 'a b@x.example'])(
    'refuses the sender %j',
    (sender) => {
      expect(parseActionArguments(find('mail.queue-delete'), { sender }).ok).toBe(false);
    },
  );

  it('refuses no filter, which would mean everything, and two', () => {
    for (const name of ['delete', 'hold', 'release', 'flush']) {
      expect(parseActionArguments(find(`mail.queue-${name}`), {}).ok).toBe(false);
      const two = { sender: 'a@b.example', senderDomain: 'b.example' };
      expect(parseActionArguments(find(`mail.queue-${name}`), two).ok).toBe(false);
    }
  });
});

describe('mailboxes: refusals', () => {
  it.each([
    '../../x',
    'a\nroot',
    'a:b',
    'a/b',
    '.a',
    'a.',
    'a..b',
    'a b',
    'A',
    'é',
    '-x',
    '*',
    'a@b',
    '',
    'x'.repeat(65),
  ])('the local part %j', (local) => {
    expect(parseActionArguments(find('mailbox.create'), { ...BOX, local, passwordHash: HASH, quotaMiB: 1 }).ok).toBe(
      false,
    );
  });

  it.each(['secret', '{PLAIN}x', '{SHA512-CRYPT}x', `${HASH}\n`, `${HASH}:`, '{CRYPT}$1$a$b', ''])(
    'the hash %j',
    (passwordHash) => {
      expect(parseActionArguments(find('mailbox.create'), { ...BOX, passwordHash, quotaMiB: 1 }).ok).toBe(false);
    },
  );

  it('one that is there with another password; one written by hand; messages of an earlier one', async () => {
    const scene = createScene();
    const other = HASH.replace('saltsalt', 'othersal');
    expect(await plan(scene, 'mailbox.create', { ...BOX, passwordHash: other, quotaMiB: 10 })).toMatchObject({
      ok: false,
    });
    scene.host.world.files.set('/srv/mail/.kept', { type: 'directory', ...ROOT });
    scene.host.world.files.set(`/srv/mail/.kept/${ADDRESS}`, { type: 'directory', ...ROOT });
    expect(await plan(scene, 'mailbox.delete', BOX)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('earlier mailbox'),
    });
    scene.host.world.resources.set(resourceKey('mail.mailbox', ADDRESS), { ...STATE, passwordHash: 'unknown' });
    for (const name of ['delete', 'suspend', 'unsuspend'])
      expect(await plan(scene, `mailbox.${name}`, BOX)).toMatchObject({
        ok: false,
        detail: expect.stringContaining('by hand'),
      });
  });
});
