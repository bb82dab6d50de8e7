import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileMeta, HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { createSafeFiles } from './safe-files.ts';
import { createRealHost } from './real-host.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const meta = (mode: number): FileMeta => ({ mode, uid, gid });

let base = '';
let files: HostFiles;
const at = (path: string): string => join(base, path);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hauban-files-'));
  chmodSync(base, 0o755);
  files = createSafeFiles({ base, ownerUid: uid }, () => undefined);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('safe files', () => {
  it('writes whole files with mode and owner, and leaves no temporary one', async () => {
    await files.writeFile(at('a'), 'one', meta(0o640));
    await files.writeFile(at('a'), 'two', meta(0o600));
    expect(await files.state(at('a'))).toEqual({ type: 'file', content: 'two', ...meta(0o600) });
    expect(readdirSync(base)).toEqual(['a']);
  });

  it('says what is there without following it', async () => {
    symlinkSync('/etc/passwd', at('link'));
    mkdirSync(at('folder'), { mode: 0o711 });
    expect(await files.state(at('link'))).toEqual({ type: 'symlink', target: '/etc/passwd' });
    expect(await files.state(at('folder'))).toEqual({ type: 'directory', ...meta(0o711) });
    expect(await files.state(at('gone/deep/x'))).toEqual({ type: 'absent' });
    expect(await files.list(at('gone'))).toEqual([]);
    expect(await files.list(base)).toEqual(['folder', 'link']);
  });

  it('reads at most one MiB of a file', async () => {
    writeFileSync(at('big'), Buffer.alloc(3_000_000, 'x'));
    const state = await files.state(at('big'));
    expect(state.type === 'file' && state.content.length).toBe(1024 * 1024);
  });

  it('makes a directory complete with its first files under its name', async () => {
    await files.makeDirectory(at('www'), meta(0o711), [{ name: 'index.php', content: 'hello', mode: 0o600 }]);
    expect(readFileSync(at('www/index.php'), 'utf8')).toBe('hello');
    expect(lstatSync(at('www')).mode & 0o777).toBe(0o711);
    expect(lstatSync(at('www/index.php')).mode & 0o777).toBe(0o600);
    await files.makeDirectory(at('www'), meta(0o750));
    expect(lstatSync(at('www')).mode & 0o777).toBe(0o750);
    expect(readFileSync(at('www/index.php'), 'utf8')).toBe('hello');
  });

  describe('removing a directory', () => {
    const initial = [{ name: 'index.php', content: 'hello', mode: 0o600 }];
    beforeEach(() => files.makeDirectory(at('www'), meta(0o711), initial));

    it('takes its unchanged first files with it', async () => {
      await files.removeDirectory(at('www'), initial);
      expect(readdirSync(base)).toEqual([]);
    });
    it.each<[string, () => void]>([
      ['a file was added', () => writeFileSync(at('www/shop.php'), '1')],
      ['a first file was changed', () => writeFileSync(at('www/index.php'), 'mine')],
      [
        'a first file is a link now',
        () => {
          rmSync(at('www/index.php'));
          symlinkSync('/etc/passwd', at('www/index.php'));
        },
      ],
    ])('keeps everything, mode too, when %s', async (_, change) => {
      change();
      await expect(files.removeDirectory(at('www'), initial)).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
      expect(lstatSync(at('www')).mode & 0o777).toBe(0o711);
      expect(readdirSync(at('www')).length).toBeGreaterThan(0);
    });
    it('is content when it, or what is above it, is gone already', async () => {
      await files.removeDirectory(at('www'), initial);
      await files.removeDirectory(at('www'), initial);
      await files.removeFile(at('www/x/y'));
      await files.removeLeftovers(at('www/x/y'));
    });
  });

  it('removes what a crash left: a file, a link, a half-made directory', async () => {
    writeFileSync(at('.a.hauban-tmp'), 'half');
    symlinkSync('/etc/passwd', at('.b.hauban-tmp'));
    mkdirSync(at('.c.hauban-tmp'));
    writeFileSync(at('.c.hauban-tmp/index.php'), 'half');
    for (const name of ['a', 'b', 'c', 'd']) await files.removeLeftovers(at(name));
    expect(readdirSync(base)).toEqual([]);
    expect(readFileSync('/etc/passwd', 'utf8')).not.toBe('');
  });

  it.each<[string, () => string]>([
    [
      'a directory that others may write',
      () => {
        mkdirSync(at('open'));
        chmodSync(at('open'), 0o777);
        return at('open/x');
      },
    ],
    [
      'a sticky directory',
      () => {
        mkdirSync(at('sticky'));
        chmodSync(at('sticky'), 0o1777);
        return at('sticky/x');
      },
    ],
    [
      'a directory that is a link',
      () => {
        mkdirSync(at('real'));
        symlinkSync(at('real'), at('link'));
        return at('link/x');
      },
    ],
    [
      'a file as a directory',
      () => {
        writeFileSync(at('file'), '');
        return at('file/x');
      },
    ],
    ['a path outside of the base', () => '/etc/hauban-never'],
    ['a relative path', () => 'x'],
    ['a path with ..', () => `${base}/../x`],
    ['a path with a zero byte', () => `${base}/a\0b`],
    ['an endless name', () => `${base}/${'a'.repeat(300)}`],
  ])('refuses to write below %s', async (_, arrange) => {
    const path = arrange();
    await expect(files.writeFile(path, 'evil', meta(0o644))).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    await expect(files.writeSymlink(path, '/etc/passwd')).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });

  it('replaces a link instead of writing through it', async () => {
    writeFileSync(at('victim'), 'untouched');
    symlinkSync(at('victim'), at('a'));
    symlinkSync(at('victim'), at('.a.hauban-tmp'));
    await files.writeFile(at('a'), 'ours', meta(0o644));
    expect(readFileSync(at('victim'), 'utf8')).toBe('untouched');
    expect(lstatSync(at('a')).isFile()).toBe(true);
  });

  it('says clearly that the folder of a new file is missing', async () => {
    await expect(files.writeFile(at('gone/x'), '', meta(0o644))).rejects.toMatchObject({
      code: 'FILE_FAILED',
      detail: `${at('gone')} does not exist`,
    });
  });

  it.skipIf(uid !== 0)('refuses a directory of somebody else', async () => {
    await files.makeDirectory(at('theirs'), { mode: 0o755, uid: 12_345, gid: 12_345 });
    await expect(files.writeFile(at('theirs/x'), '', meta(0o644))).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      detail: `${at('theirs')} belongs to uid 12345: nothing below it is touched as root`,
    });
  });
});

describe('as an ordinary user', () => {
  const host = () =>
    createRealHost({
      clock: {
        nowMs: () => 0,
        monotonicMs: () => 0,
        after: () => ({ cancel: () => undefined }),
        every: () => ({ cancel: () => undefined }),
      },
      random: { bytes: (length) => new Uint8Array(length), unit: () => 0 },
      stateDirectory: at('state'),
      rehearsalCommand: { program: '/bin/false', args: [] },
      neverBan: () => Promise.resolve([]),
      isRoot: false,
    });
  const master = {
    account: 'a',
    version: '8.2',
    uid: 1,
    gid: 1,
    home: '/h',
    homesRoot: '/',
    configFile: '/c',
    socket: '/s',
  };

  it.each<[string, (of: ReturnType<typeof host>) => Promise<unknown>]>([
    ['a program', (of) => of.programs.run('useradd', ['x'])],
    ['a file', (of) => of.files.writeFile('/etc/x', '', meta(0o644))],
    ['a link', (of) => of.files.writeSymlink('/etc/x', 'y')],
    ['a PHP master', (of) => of.php.start(master)],
    ['the end of a PHP master', (of) => of.php.stop(master)],
    ['a reload', (of) => of.web.reload()],
    ['a rehearsal', (of) => of.web.rehearse([], [])],
    ['a ban', (of) => of.firewall.update([{ target: '192.0.2.1', expiresAt: null, reason: 'manual' }], [])],
    ['the list of bans', (of) => of.firewall.bans()],
    ['a look as somebody else', (of) => of.accounts.canAs(1, 1, 'read', '/etc/passwd')],
    ['several looks as somebody else', (of) => of.accounts.allSoAs(1, 1, [])],
  ])('%s needs root, and says so', async (_, act) => {
    const error: unknown = await act(host()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HaubanError);
    expect(error).toMatchObject({
      code: 'NEEDS_ROOT',
      detail: expect.stringContaining('needs the executor to run as root'),
    });
  });

  it('reading works, and reconcile has nothing to do', async () => {
    const of = host();
    await of.reconcile();
    expect((await of.accounts.userByName('root'))?.uid).toBe(0);
    expect((await of.accounts.userByUid(0))?.name).toBe('root');
    expect(await of.accounts.groupByName('hauban-nobody')).toBeNull();
    expect((await of.firewall.neverBan()).map(({ why }) => why)).toContain('loopback');
  });
});

describe('what somebody put there meanwhile', () => {
  it('gets no mode and no owner when it is no regular file', async () => {
    mkdirSync(at('folder'), { mode: 0o700 });
    await expect(files.setMeta(at('folder'), meta(0o777))).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
    expect(lstatSync(at('folder')).mode & 0o777).toBe(0o700);
  });

  it('is not cleared up without root', async () => {
    const withoutRoot = createSafeFiles({ base, ownerUid: uid }, (what) => {
      throw new HaubanError('NEEDS_ROOT', what);
    });
    await expect(withoutRoot.removeLeftovers(at('a'))).rejects.toMatchObject({ code: 'NEEDS_ROOT' });
  });
});
