import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CustomAnswer } from '@hauban/shared/actions';
import type { CustomPin } from '@hauban/shared/policy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCustomDrivers } from './custom-drivers.ts';
import { readCustomFolder } from './custom-folder.ts';

/** Real programs, run as a user without rights where the test runs as root. */
const isRoot = process.getuid?.() === 0;
const NOBODY = { name: 'nobody', uid: 65_534, gid: 65_534, comment: '', home: '/nonexistent', shell: '' };
const OWN = {
  name: 'nobody',
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  comment: '',
  home: '/',
  shell: '',
};

let base: string;
let folder: string;
let pin: CustomPin | null;
let printed: string;
let user: typeof NOBODY | null;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hauban-custom-'));
  // Whoever runs the copies has to pass through it.
  chmodSync(base, 0o711);
  folder = join(base, 'actions/shop');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  pin = null;
  printed = '';
  user = isRoot ? NOBODY : OWN;
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const trust = () => ({ base, ownerUid: process.getuid?.() ?? 0 });
const read = () => readCustomFolder(join(base, 'actions'), 'shop', trust());

function write(name: string, text: string, mode = 0o755): void {
  rmSync(join(folder, name), { force: true });
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
}

const MANIFEST = `version = 1
kind = "change"
title = "Shop"
risk = "low"
user = "nobody"
timeout_seconds = 5
[args.word]
type = "string"
max_length = 500
[run]
program = "run.sh"
argv = ["--word", "{word}"]
`;

/** An action with this script, as root has allowed it. */
async function allow(script: string, manifest = MANIFEST): Promise<string> {
  write('manifest.toml', manifest, 0o644);
  write('run.sh', script);
  const { hash } = await read();
  pin = { name: 'shop', hash, allowRoot: false };
  return hash;
}

const drivers = () =>
  createCustomDrivers({
    folder: join(base, 'actions'),
    copies: join(base, 'copies'),
    trust: trust(),
    pinOf: () => (pin === null ? { ok: false, detail: 'nothing pins it' } : { ok: true, pin }),
    accounts: { userByName: () => Promise.resolve(user) },
    requireRoot: () => undefined,
    printed: (_name, text) => {
      printed += text;
    },
  });

const ask = (
  hash: string,
  args: Record<string, string | number | boolean> = { word: 'hello' },
): Promise<CustomAnswer> => drivers().queries['custom.ask']({ name: 'shop', hash, args, phase: 'run' });

const refused = (code: string, says: RegExp): object => ({ code, detail: expect.stringMatching(says) });

describe('a program of the hoster', () => {
  it('gets its arguments as elements, a clean environment, no rights, and says how it ended', async () => {
    process.env['LD_PRELOAD_PROBE'] = 'leak';
    const hash = await allow(
      '#!/bin/sh\nid -u\nid -G\npwd\numask\nprintf "%s\\n" "$@"\nenv | grep -v -e "^PWD=" -e "^_=" -e "^SHLVL=" | sort\necho bad >&2\nexit 2\n',
    );
    const answer = await ask(hash, { word: 'a b; $(id) `id`' });
    delete process.env['LD_PRELOAD_PROBE'];
    expect(answer).toMatchObject({ status: 2, stderr: 'bad\n' });
    const lines = answer.stdout.trimEnd().split('\n');
    if (isRoot) expect(lines.slice(0, 2)).toEqual(['65534', '65534']);
    expect(lines.slice(2, 6)).toEqual(['/', '0022', '--word', 'a b; $(id) `id`']);
    expect(lines.slice(6).map((line) => line.split('=')[0])).toEqual([
      'HAUBAN_SHELL',
      'HOME',
      'LANG',
      'LOGNAME',
      'PATH',
      'USER',
    ]);
    expect(printed).toContain('a b; $(id)');
    expect(readdirSync(join(base, 'copies'))).toEqual([]);
  });

  it('finds the files beside it, gets its arguments as JSON, and can change none of it', async () => {
    write('words.txt', 'from the folder', 0o644);
    const hash = await allow(
      '#!/bin/sh\ncat; echo; cat "$(dirname "$0")/words.txt"; echo x >> "$0"; exit 0\n',
      `${MANIFEST}stdin = "json"\n`,
    );
    const { stdout } = await ask(hash);
    expect(stdout).toBe('{"word":"hello"}\nfrom the folder');
    expect((await read()).hash).toBe(hash);
  });
});

describe('whose folder it is', () => {
  const attacks: readonly (readonly [string, () => void, RegExp])[] = [
    ['a folder that others may write', () => chmodSync(folder, 0o777), /may be written by others/],
    [
      'a parent folder that others may write',
      () => chmodSync(join(base, 'actions'), 0o775),
      /may be written by others/,
    ],
    ['a program that others may write', () => chmodSync(join(folder, 'run.sh'), 0o775), /may be written by others/],
    [
      'a manifest that others may write',
      () => chmodSync(join(folder, 'manifest.toml'), 0o666),
      /may be written by others/,
    ],
    [
      'a program that is a link',
      () => {
        rmSync(join(folder, 'run.sh'));
        symlinkSync('/bin/sh', join(folder, 'run.sh'));
      },
      /is a link/,
    ],
    [
      'a folder that is a link',
      () => {
        rmSync(folder, { recursive: true });
        symlinkSync('/etc', folder);
      },
      /is a link/,
    ],
    ['a folder in it', () => mkdirSync(join(folder, 'inner')), /is no regular file/],
    ['no manifest', () => rmSync(join(folder, 'manifest.toml')), /has no manifest/],
    ['no program', () => rmSync(join(folder, 'run.sh')), /has no program/],
    ['a manifest that is no TOML', () => write('manifest.toml', 'kind = [', 0o644), /manifest\.toml, line/],
    [
      'a program by a path with ..',
      () => write('manifest.toml', MANIFEST.replace('"run.sh"', '"../../bin/sh"'), 0o644),
      /program must be the name of a file/,
    ],
    [
      'an absolute path with ..',
      () => write('manifest.toml', MANIFEST.replace('"run.sh"', '"/usr/../bin/sh"'), 0o644),
      /program must be the name of a file/,
    ],
  ];
  it.each(attacks)('%s is refused', async (_attack, attack, says) => {
    const hash = await allow('#!/bin/sh\nexit 0\n');
    attack();
    await expect(ask(hash)).rejects.toMatchObject({ detail: expect.stringMatching(says) });
  });

  it.skipIf(!isRoot)('a program of somebody else is refused', async () => {
    const hash = await allow('#!/bin/sh\nexit 0\n');
    chownSync(join(folder, 'run.sh'), 65_534, 65_534);
    await expect(ask(hash)).rejects.toMatchObject(refused('FILE_UNSAFE', /belongs to uid 65534/));
  });
});

describe('root’s word', () => {
  it('without a pin, with another hash, or as root without leave: refused', async () => {
    const hash = await allow('#!/bin/sh\nexit 0\n');
    await expect(ask(hash)).resolves.toMatchObject({ status: 0 });
    pin = null;
    await expect(ask(hash)).rejects.toMatchObject(refused('CUSTOM_REFUSED', /nothing pins it/));
    pin = { name: 'shop', hash: 'a'.repeat(64), allowRoot: false };
    await expect(ask(hash)).rejects.toMatchObject(refused('CUSTOM_REFUSED', /is not what is allowed/));
    const asRoot = await allow('#!/bin/sh\nexit 0\n', MANIFEST.replace('"nobody"', '"root"'));
    await expect(ask(asRoot)).rejects.toMatchObject(refused('CUSTOM_REFUSED', /allow_root/));
  });

  it('a user with the id of root under another name, or no user at all: refused', async () => {
    const hash = await allow('#!/bin/sh\nexit 0\n');
    user = { ...NOBODY, uid: 0 };
    await expect(ask(hash)).rejects.toMatchObject(refused('CUSTOM_REFUSED', /id of root/));
    user = null;
    await expect(ask(hash)).rejects.toMatchObject(refused('CUSTOM_REFUSED', /no user of this node/));
  });

  it('swapped after the order was checked: refused, even when root has allowed the new one meanwhile', async () => {
    const hash = await allow('#!/bin/sh\nexit 0\n');
    await allow('#!/bin/sh\necho swapped\n');
    await expect(ask(hash)).rejects.toMatchObject(refused('CUSTOM_REFUSED', /was changed after/));
  });

  it('swapped while it runs: what was hashed goes on', async () => {
    const hash = await allow('#!/bin/sh\necho one\nread line < "$(dirname "$0")/wait" || true\nsleep 0.3\necho two\n');
    const running = ask(hash);
    await expect.poll(() => printed, { interval: 5 }).toContain('one');
    write('run.sh', '#!/bin/sh\necho swapped\n');
    expect((await running).stdout).toBe('one\ntwo\n');
  });
});

describe('what a program tries', () => {
  it.each([
    ['a dash first', '-rf'],
    ['a line end', 'a\nb'],
    ['a NUL', 'a\u0000b'],
  ])('an argument with %s does not reach it', async (_attack, word) => {
    const manifest = MANIFEST.replace('"{word}"]', '"{word}", "--x={word}"]');
    const hash = await allow('#!/bin/sh\nexit 0\n', manifest);
    await expect(ask(hash, { word })).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
  });

  it('a flood of output is cut at 1 MiB, and it ends', async () => {
    const hash = await allow('#!/bin/sh\nhead -c 5000000 /dev/zero | tr "\\0" x\n');
    const { stdout, status } = await ask(hash);
    expect(status).toBe(0);
    expect(stdout).toHaveLength(1024 * 1024);
  });

  it('over its time it is ended with all that it started', async () => {
    const hash = await allow('#!/bin/sh\nsleep 100 & echo started\nwait\n', MANIFEST.replace('= 5', '= 1'));
    await expect(ask(hash)).rejects.toMatchObject({ code: 'PROGRAM_TIMEOUT' });
    expect(printed).toBe('started\n');
  });

  it('a daemon that leaves its session and its parent does not outlive it', async () => {
    const script = "#!/bin/sh\nsetsid sh -c 'sleep 100 & echo $!' < /dev/null 2> /dev/null &\nsleep 0.2\nexit 0\n";
    const hash = await allow(script);
    const { stdout } = await ask(hash);
    expect(stdout.trim()).toMatch(/^\d+$/);
    const isAlive = (): boolean => {
      const stat = join('/proc', stdout.trim(), 'stat');
      return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'latin1'));
    };
    await expect.poll(isAlive, { interval: 10, timeout: 3000 }).toBe(false);
  });
});
