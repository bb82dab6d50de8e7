import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HaubanError } from '@hauban/shared/errors';
import { isTolerated, openDirectory, splitPath, withParent } from './safe-path.ts';

const uid = process.getuid?.() ?? 0;
let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hauban-path-'));
  chmodSync(base, 0o755);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'taken';
  } catch (error) {
    return error instanceof HaubanError ? `${error.code} ${error.detail}` : String(error);
  }
};

describe('a path', () => {
  it.each([
    'etc/passwd',
    './etc',
    '',
    '/',
    '/a//b',
    '//a',
    '/a/',
    '/a/./b',
    '/.',
    '/a/../b',
    '/..',
    '/a\0b',
    `/${'a'.repeat(256)}`,
    `/${'ä'.repeat(128)}`,
    `/${'a/'.repeat(2048)}a`,
  ])('that is not a clean absolute one is refused: %j', (path) => {
    expect(() => splitPath(path)).toThrow(expect.objectContaining({ code: 'FILE_UNSAFE' }));
  });

  it('that is clean is taken apart, up to the longest', () => {
    expect(splitPath('/a/b.c/..d')).toEqual(['a', 'b.c', '..d']);
    expect(splitPath(`/${'a'.repeat(255)}`)).toHaveLength(1);
    expect(splitPath(`/${'ab/'.repeat(1364)}ab`)).toHaveLength(1365);
  });

  it('through a link, a file, or out of the base is refused as unsafe', async () => {
    mkdirSync(join(base, 'there'));
    symlinkSync(join(base, 'there'), join(base, 'link'));
    writeFileSync(join(base, 'file'), '');
    const open = (path: string): Promise<string> =>
      codeOf(openDirectory(path, { base, ownerUid: uid }, true).then((found) => found?.handle.close()));
    expect(await open(join(base, 'there'))).toBe('taken');
    expect(await open(join(base, 'link'))).toMatch(/^FILE_UNSAFE .* is a link or no directory/);
    expect(await open(join(base, 'file'))).toMatch(/^FILE_UNSAFE .* is a link or no directory/);
    expect(await open('/usr')).toMatch(/^FILE_UNSAFE .* does not lie below/);
  });

  it('below a directory of somebody else, or one that others may write, is refused', async () => {
    mkdirSync(join(base, 'open'));
    chmodSync(join(base, 'open'), 0o775);
    const open = (ownerUid: number): Promise<string> =>
      codeOf(openDirectory(join(base, 'open'), { base, ownerUid }, true).then((found) => found?.handle.close()));
    expect(await open(uid)).toMatch(/^FILE_UNSAFE .* may be written by others/);
    chmodSync(join(base, 'open'), 0o755);
    expect(await open(uid)).toBe('taken');
    expect(await open(uid + 1)).toMatch(/^FILE_UNSAFE .* belongs to uid/);
  });

  it('with such a directory further up is refused, however safe the last one is', async () => {
    const last = join(base, 'up/middle/last');
    mkdirSync(last, { recursive: true });
    const open = (checkLast: boolean): Promise<string> =>
      codeOf(openDirectory(last, { base, ownerUid: uid }, checkLast).then((found) => found?.handle.close()));
    for (const above of ['up', 'up/middle']) {
      chmodSync(join(base, above), 0o777);
      for (const checkLast of [true, false])
        expect(await open(checkLast)).toMatch(/^FILE_UNSAFE .* may be written by others/);
      chmodSync(join(base, above), 0o755);
      expect(await open(true)).toBe('taken');
    }
  });

  it('whose folder is not there is said to be missing, or answered by the caller', async () => {
    const at = join(base, 'gone/x');
    const trust = { base, ownerUid: uid };
    expect(await codeOf(withParent(at, trust, () => Promise.resolve(1)))).toMatch(/^FILE_FAILED .* does not exist/);
    expect(
      await withParent(
        at,
        trust,
        () => Promise.resolve(1),
        () => 2,
      ),
    ).toBe(2);
  });
});

it('a directory that a group may write is tolerated at one place only, for a system group, and never for everybody', () => {
  const system = { mode: 0o40775, gid: 104 };
  expect(isTolerated('/var/log', system)).toBe(true);
  expect(isTolerated('/var/www', system)).toBe(false);
  expect(isTolerated('/var/log', { ...system, mode: 0o40777 })).toBe(false);
  expect(isTolerated('/var/log', { ...system, gid: 1000 })).toBe(false);
});
