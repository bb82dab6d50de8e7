import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessLook } from '@hauban/shared/actions';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerOfTest, createAccounts, parseGroup, parseUser } from './accounts.ts';

const accounts = createAccounts(() => undefined);

describe('the accounts of the node', () => {
  it('are found by name and number, and are nobody when there is none', async () => {
    expect(await accounts.userByName('root')).toMatchObject({ name: 'root', uid: 0, gid: 0 });
    expect(await accounts.groupByGid(0)).toMatchObject({ name: 'root', gid: 0 });
    expect(await accounts.userByName('no-such-user-here')).toBeNull();
    expect(await accounts.groupByName('no-such-group-here')).toBeNull();
    expect(parseUser(null)).toBeNull();
    expect(parseGroup(null)).toBeNull();
  });

  it.each(['-s', '--service=evil', 'root extra', 'root\n', '../etc', 'Root', '', 'a'.repeat(33)])(
    'are not asked for by what is no name: %j',
    async (name) => {
      await expect(accounts.userByName(name)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await expect(accounts.groupByName(name)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    },
  );

  it('are read from the machine’s own files without a program, by their whole name only', async () => {
    expect(await accounts.ownUser('root')).toEqual(await accounts.userByName('root'));
    expect(await accounts.ownGroup('root')).toEqual(await accounts.groupByName('root'));
    for (const name of ['roo', 'root:x:0', '', '.*', 'no-such-user-here']) {
      expect(await accounts.ownUser(name)).toBeNull();
      expect(await accounts.ownGroup(name)).toBeNull();
    }
  });
});

describe('the answer to a look as somebody else', () => {
  const said = { stdout: '', stderr: 'test: extra argument', timedOut: false };
  it('is yes or no', () => {
    expect(answerOfTest({ ...said, status: 0 })).toBe(true);
    expect(answerOfTest({ ...said, status: 1 })).toBe(false);
  });
  it.each([2, 127, null])('is none when the program did not understand or did not end: %j', (status) => {
    expect(() => answerOfTest({ ...said, status })).toThrow(expect.objectContaining({ code: 'PROGRAM_FAILED' }));
  });
});

describe.skipIf(process.getuid?.() !== 0)('several looks as somebody else', () => {
  const uid = 64_123;
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hauban-looks-'));
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'own'));
    await chown(join(folder, 'own'), uid, uid);
    await writeFile(join(folder, 'closed'), '', { mode: 0o600 });
    await writeFile(join(folder, '-a'), '', { mode: 0o600 });
  });
  afterAll(() => rm(folder, { recursive: true }));
  /** Paths below the folder, as long as it is not made yet. */
  const look = (operation: AccessLook['operation'], path: string, isAllowed: boolean): AccessLook => ({
    operation,
    path,
    isAllowed,
  });
  const all = (looks: readonly AccessLook[]): Promise<boolean> =>
    accounts.allSoAs(
      uid,
      uid,
      looks.map((one) => ({ ...one, path: `${folder}${one.path}` })),
    );
  const well = [look('write', '/own', true), look('write', '', false), look('list', '', true)];

  it('hold together when each of them does', async () => {
    expect(await all([...well, look('read', '/closed', false), look('read', '/-a', false)])).toBe(true);
  });

  it.each([
    ['what it may not write', look('write', '/closed', true)],
    ['what it may write', look('write', '/own', false)],
    ['what it may list', look('list', '', false)],
    ['what is not there', look('read', '/absent', true)],
  ])('do not hold when one of them does not: %s', async (_, wrong) => {
    for (const at of [0, 1, well.length]) expect(await all(well.toSpliced(at, 0, wrong))).toBe(false);
    expect(await accounts.canAs(uid, uid, wrong.operation, `${folder}${wrong.path}`)).toBe(!wrong.isAllowed);
  });

  it('are not taken with what is no clean path, which could be a word of the program’s own', async () => {
    for (const path of ['-a', '!', '(', '', 'own', `${folder}/../own`])
      await expect(
        accounts.allSoAs(uid, uid, [look('read', '/etc', true), look('read', path, true)]),
      ).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });
});
