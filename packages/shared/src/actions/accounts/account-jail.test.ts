import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  isJailPath,
  parseActionArguments,
  revertChanges,
  type Change,
  type Planned,
} from '../index.ts';
import { jailNoteText, jailSubfolders, parseJailNote } from './jail-layout.ts';

const ACCOUNT = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 };
const { name } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const SHA = 'a'.repeat(64);
const LIBC = 'lib/x86_64-linux-gnu/libc.so.6';
const sources = (sha256 = SHA) => ({
  files: ['bin/sh', LIBC, 'usr/bin/env'].map((path) => ({ path, sha256, mode: '0755' })),
  sizeBytes: 3,
  problem: null as string | null,
});

async function plan(host: FakeHost, action: string, args: object = { name }): Promise<Planned> {
  const found = ACTIONS.get(action)!;
  const parsed = parseActionArguments(found, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return found.plan(host, parsed.args);
}
async function changesOf(host: FakeHost, action: string, args: object = { name }): Promise<readonly Change[]> {
  const planned = await plan(host, action, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const refusal = (planned: Planned): string => (planned.ok ? 'planned' : planned.detail);

async function createNode(hasJail = false): Promise<FakeHost> {
  const host = createFakeHost();
  host.world.answers['account.jail-sources'] = () => sources();
  await applyChanges(host, await changesOf(host, 'account.create', ACCOUNT));
  if (hasJail) await applyChanges(host, await changesOf(host, 'account.make-jail'));
  return host;
}

describe.each([
  ['account.make-jail', false],
  ['account.remove-jail', true],
])('%s', (action, hasJail) => {
  it('is applied, passes its own looks, is found done the second time, and is taken back', async () => {
    const host = await createNode(hasJail);
    const before = host.snapshot();
    const changes = await changesOf(host, action);
    await applyChanges(host, changes);
    expect((await ACTIONS.get(action)!.verify(host, { name }, changes)).filter(({ ok }) => !ok)).toEqual([]);
    expect(await changesOf(host, action)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('killed at any effect, it can be taken back to what was before', async () => {
    const scene = async () => {
      const host = await createNode(hasJail);
      return { host, changes: () => changesOf(host, action) };
    };
    expect(await sweepCrashes(scene, 9)).toEqual([]);
  });

  it.each(['', '/etc', '/bin', '/lib'])('%s of the tree that the account may write is refused', async (folder) => {
    const host = await createNode(hasJail);
    host.world.files.set(`${HOME}${folder}`, { type: 'directory', mode: 0o755, uid: ACCOUNT.uid, gid: ACCOUNT.uid });
    expect(refusal(await plan(host, action))).toMatch(/is not root's alone/);
    host.world.files.set(`${HOME}${folder}`, { type: 'directory', mode: 0o777, uid: 0, gid: 0 });
    expect(refusal(await plan(host, action))).toMatch(/is not root's alone/);
  });

  it.each(['{', '{"files":["../etc/shadow"],"devices":[]}', '{"files":[],"devices":["mem"]}', '{"files":"bin/sh"}'])(
    'a note that is not ours is refused: %s',
    async (content) => {
      const host = await createNode(hasJail);
      host.world.files.set(`${HOME}/etc/hauban-jail.json`, { type: 'file', content, mode: 0o644, uid: 0, gid: 0 });
      expect(refusal(await plan(host, action))).toMatch(/is not as this action writes it/);
    },
  );
});

describe('a jail', () => {
  it('replaces what was upgraded, removes what is not wanted any more, and goes back', async () => {
    const host = await createNode(true);
    const before = host.snapshot();
    const { files } = sources('b'.repeat(64));
    host.world.answers['account.jail-sources'] = () => ({ ...sources(), files: files.slice(0, 2) });
    const changes = await changesOf(host, 'account.make-jail', { name, devices: ['null'] });
    await applyChanges(host, changes);
    expect(await host.resources.read('account.jail-file', `${name}/bin/sh`)).toMatchObject({ sha256: 'b'.repeat(64) });
    expect(await host.resources.read('account.jail-file', `${name}/usr/bin/env`)).toBeNull();
    expect(await host.resources.read('account.jail-device', `${name}/zero`)).toBeNull();
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('never replaces a file or a device of somebody else', async () => {
    for (const [resource, id] of [
      ['account.jail-file', `${name}/bin/sh`],
      ['account.jail-device', `${name}/null`],
    ] as const) {
      const host = await createNode();
      host.world.resources.set(resourceKey(resource, id), { sha256: SHA, mode: '0755', major: 1, minor: 1 });
      expect(refusal(await plan(host, 'account.make-jail'))).toMatch(/is there, and not by this action/);
    }
    const host = await createNode();
    const passwd = { type: 'file', content: 'root::0:0::/:/bin/sh\n', mode: 0o644, uid: 0, gid: 0 } as const;
    host.world.files.set(`${HOME}/etc/passwd`, passwd);
    expect(refusal(await plan(host, 'account.make-jail'))).toMatch(/etc\/passwd is there with other content/);
  });

  it('is refused with the reason why a program can not be copied', async () => {
    const host = await createNode();
    host.world.answers['account.jail-sources'] = () => ({ ...sources(), problem: '/usr/bin/su is setuid' });
    expect(refusal(await plan(host, 'account.make-jail'))).toBe('/usr/bin/su is setuid');
  });

  it('whose shell was changed by hand does not pass its own looks', async () => {
    const host = await createNode(true);
    await host.resources.write('account.jail-file', `${name}/bin/sh`, { sha256: SHA, mode: '04755' });
    const looks = await ACTIONS.get('account.make-jail')!.verify(host, { name }, []);
    expect(looks.filter(({ ok }) => !ok)).toMatchObject([{ saw: 'bin/sh' }]);
  });

  it('names this user only, and notes what is in it', async () => {
    const host = await createNode(true);
    expect(host.world.files.get(`${HOME}/etc/passwd`)).toMatchObject({
      content: `${name}:x:100010:100010::/var/www:/bin/sh\n`,
    });
    const note = { files: ['bin/sh', LIBC], devices: ['null'] };
    expect(parseJailNote(jailNoteText(note))).toEqual(note);
    expect(jailSubfolders(note.files)).toEqual(['lib/x86_64-linux-gnu']);
  });

  it.each([
    'etc/passwd',
    '/bin/sh',
    'bin/../etc/shadow',
    'bin/.hidden',
    'dev/mem',
    'bin',
    'bin//sh',
    'var/www/x',
    'bin/a\nb',
  ])('has no file %j', (path) => expect(isJailPath(path)).toBe(false));
});
