import type { AccountEntry, HostPrograms } from '@hauban/shared/actions';
import { describe, expect, it } from 'vitest';
import { createUserEntries } from './user-entries.ts';

/** Programs that are noted and not started. */
function createEntries(status = 0) {
  const started: (readonly string[])[] = [];
  const run: HostPrograms['run'] = (program, args) => {
    started.push([program, ...args]);
    return Promise.resolve({ status, stdout: '', stderr: '' } as Awaited<ReturnType<HostPrograms['run']>>);
  };
  return { entries: createUserEntries({ run }), started };
}

describe('the login shell of an account', () => {
  it.each(['/bin/sh', '/usr/sbin/nologin', '/usr/lib/openssh/sftp-server', '/usr/local/bin/git-shell', '/opt/x/bin/a'])(
    'may be %s',
    async (shell) => {
      const { entries, started } = createEntries();
      await entries.writeShell('w4a100010', shell);
      expect(started).toEqual([['usermod', '--shell', shell, '--', 'w4a100010']]);
    },
  );

  it.each([
    ['a path upwards', '/bin/../../srv/vol1/w4a100011/evil'],
    ['a path upwards at its end', '/usr/bin/..'],
    ['a file that is read by cron', '/etc/cron.d/pwned'],
    ["a neighbour's program", '/srv/vol1/w4a100011/bin/sh'],
    ['a program that anybody may put there', '/tmp/sh'],
    ['a hidden program', '/usr/bin/.sh'],
    ['a name alone', 'sh'],
    ['an option', '--root=/tmp'],
    ['a line of passwd', '/bin/sh\nroot2:x:0:0::/:/bin/sh'],
    ['a field of passwd', '/bin/sh:x'],
    ['a NUL', '/bin/sh\0'],
    ['two slashes', '/bin//sh'],
    ['nothing', ''],
    ['a folder', '/bin/'],
  ])('an attack that brings %s is refused, and nothing is started', async (_attack, shell) => {
    const { entries, started } = createEntries();
    await expect(entries.writeShell('w4a100010', shell)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    expect(started).toEqual([]);
  });
});

describe('a user that is brought back', () => {
  const entry: AccountEntry = {
    ...{ uid: 100_010, gid: 100_010, comment: '', home: '/srv/vol1/w4a100010', shell: '/bin/sh', password: '!' },
    ...{ lastChangeDay: 20_000, minDays: 0, maxDays: 99_999, warnDays: 7, inactiveDays: null },
  };

  it.each<[string, Partial<AccountEntry>]>([
    ['root', { uid: 0 }],
    ["root's group", { gid: 0 }],
    ["a neighbour's home", { home: '/srv/vol1/w4a100011' }],
    ['a home upwards', { home: '/srv/vol1/w4a100010/../../../root' }],
    ['a line of shadow', { password: '!:0:::\nroot2:' }],
    ['a shell that is no program of the system', { shell: '/tmp/sh' }],
    ['a line of passwd', { comment: 'x\nroot2:x:0:0::/:/bin/sh' }],
  ])('an attack that makes it %s is refused, and nothing is started', async (_attack, more) => {
    const { entries, started } = createEntries();
    await expect(entries.writeEntry('w4a100010', { ...entry, ...more })).rejects.toMatchObject({
      code: 'ACTION_REFUSED',
    });
    expect(started).toEqual([]);
  });

  it.each(['../evil', 'root;id', '-x', ''])('an attack that names it %j is refused', async (name) => {
    const { entries, started } = createEntries();
    for (const wanted of [{ ...entry, home: `/srv/vol1/${name}` }, null])
      await expect(entries.writeEntry(name, wanted)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    expect(started).toEqual([]);
  });

  it.each(['root', 'daemon', 'nobody'])('an attack that names %s, who is no account, is refused', async (name) => {
    const { entries, started } = createEntries();
    const refused = { code: 'ACTION_REFUSED', detail: expect.stringContaining('is no uid of a hosting account') };
    const mine = { ...entry, home: `/srv/vol1/${name}` };
    await expect(entries.writeEntry(name, mine)).rejects.toMatchObject(refused);
    await expect(entries.writeExpiry(name, 1)).rejects.toMatchObject(refused);
    await expect(entries.writeShell(name, '/usr/sbin/nologin')).rejects.toMatchObject(refused);
    expect(started).toEqual([]);
  });

  it.each([-1, 1.5, 1_000_001, Number.NaN])('a day that is none is refused: %s', async (day) => {
    const { entries, started } = createEntries();
    await expect(entries.writeExpiry('w4a100010', day)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    expect(started).toEqual([]);
  });

  it('a program that says no is believed', async () => {
    const { entries } = createEntries(1);
    await expect(entries.writeShell('w4a100010', '/bin/sh')).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
  });
});
