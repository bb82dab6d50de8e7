import { describe, expect, it } from 'vitest';
import { createPrograms } from './create-programs.ts';
import { withinPrograms } from './listed-programs.ts';
import { mustRun, runProgram } from './run-program.ts';

describe('runProgram', () => {
  it('gives arguments to the program as they are, whatever a shell would make of them', async () => {
    const evil = ['$(id)', '`id`', ';reboot', '| cat', '\n', '*', '\'"', '--', '-n'];
    const { stdout } = await runProgram('/usr/bin/printf', ['%s\\0', ...evil]);
    expect(stdout.split('\0').slice(0, -1)).toEqual(evil);
  });

  it('hands on nothing of our own environment, and starts in /', async () => {
    process.env['HAUBAN_SECRET'] = 'x';
    try {
      const { stdout } = await runProgram('/usr/bin/env', []);
      expect(stdout.trim().split('\n').sort()).toEqual(['LANG=C.UTF-8', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']);
      expect((await runProgram('/usr/bin/pwd', [])).stdout).toBe('/\n');
    } finally {
      delete process.env['HAUBAN_SECRET'];
    }
  });

  it('starts programs with the usual umask, whatever ours is', async () => {
    const own = process.umask(0o077);
    try {
      expect((await runProgram('/usr/bin/grep', ['^Umask:', '/proc/self/status'])).stdout).toBe('Umask:\t0022\n');
      expect(process.umask()).toBe(0o077);
    } finally {
      process.umask(own);
    }
  });

  it('gives input that can be read and opened anew, as nft does', async () => {
    expect((await runProgram('/usr/bin/cat', [], { stdin: 'hello' })).stdout).toBe('hello');
    expect((await runProgram('/usr/bin/cat', ['/dev/stdin'], { stdin: 'hello' })).stdout).toBe('hello');
    expect((await runProgram('/usr/bin/cat', [])).stdout).toBe('');
  });

  it('takes an exit code as a value', async () => {
    expect(await runProgram('/usr/bin/false', [])).toMatchObject({ status: 1, timedOut: false });
    await expect(mustRun('/usr/bin/ls', ['/no/such/place'])).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      detail: expect.stringContaining('/no/such/place'),
    });
  });

  it('says that a program is not installed', async () => {
    await expect(runProgram('/no/such/program', [])).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
  });

  it('ends a program that takes too long, with its children', async () => {
    // env starts sleep in its place; timeout(1) would stand between, as a child.
    const result = await runProgram('/usr/bin/timeout', ['--foreground', '600', '/usr/bin/sleep', '600'], {
      timeoutMs: 100,
    });
    expect(result).toMatchObject({ status: null, timedOut: true });
  });

  it('keeps at most one MiB of what is said', async () => {
    const { stdout } = await runProgram('/usr/bin/head', ['-c', '5000000', '/dev/zero']);
    expect(stdout.length).toBe(1024 * 1024);
  });

  it('does not wait for a daemon that keeps the output open', async () => {
    const { status } = await runProgram('/usr/bin/setsid', ['--fork', '/usr/bin/sleep', '5'], { timeoutMs: 4000 });
    expect(status).toBe(0);
  });
});

it('starts only programs of the list', async () => {
  const programs = createPrograms(() => undefined);
  await expect(programs.run('bash' as 'nft', ['-c', 'id'])).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
  await expect(programs.run('../../bin/sh' as 'nft', [])).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
});

describe('the programs of an action', () => {
  const said = (path: string, args: readonly string[] = []) => withinPrograms(['sync'], () => runProgram(path, args));

  it('are started, and so is what only looks who somebody is', async () => {
    expect((await said('/usr/bin/sync', ['--version'])).status).toBe(0);
    expect((await said('/usr/bin/test', ['-r', '/etc/passwd'])).status).toBe(0);
  });

  it.each([
    '/usr/bin/mkdir',
    '/bin/sh',
    '/usr/bin/../bin/sync',
    '/tmp/sync',
    'sync',
    '/usr/lib/postgresql/15/bin/psql',
  ])('are all that is started: an attack that brings %s is refused', async (path) => {
    await expect(said(path)).rejects.toMatchObject({
      code: 'ACTION_REFUSED',
      detail: `${path} is not among the programs of this action`,
    });
  });

  it('are asked for again after a wait, in a timer, and by whatever way it is started', async () => {
    const late = () => new Promise((resolve) => setTimeout(resolve, 1)).then(() => runProgram('/usr/bin/mkdir', []));
    await expect(withinPrograms(['sync'], late)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    await expect(
      withinPrograms(['sync'], () => createPrograms(() => undefined).run('mkdir', [])),
    ).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
  });

  it('are those of PostgreSQL in the folder of its version, by name', async () => {
    const ask = withinPrograms(['psql'], () => runProgram('/usr/lib/postgresql/99/bin/psql', []));
    await expect(ask).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
    const dump = withinPrograms(['psql'], () => runProgram('/usr/lib/postgresql/99/bin/pg_dump', []));
    await expect(dump).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
  });
});
