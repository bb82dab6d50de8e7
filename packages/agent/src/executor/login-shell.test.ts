import { describe, expect, it } from 'vitest';
import { findLoginShell } from './login-shell.ts';

const jo = { name: 'jo', uid: 1001, gid: 1001, comment: '', home: '/home/jo', shell: '/bin/bash' };

describe('the login shell of a user', () => {
  it('runs as that user and nobody else when the executor is root', () => {
    const found = findLoginShell(jo, 0, true);
    expect(found).toMatchObject({ ok: true, shell: { program: '/usr/bin/prlimit', cwd: '/home/jo' } });
    const args = found.ok ? found.shell.args : [];
    expect(args).toEqual(expect.arrayContaining(['--reuid=1001', '--regid=1001', '--init-groups', '/bin/bash', '-l']));
  });

  it.each(['/usr/sbin/nologin', '/bin/false', '/usr/bin/true'])('that is %s is none', (shell) => {
    expect(findLoginShell({ ...jo, shell }, 0, true)).toMatchObject({ ok: false });
  });

  it.each(['bash', '/bin/bash -c id', '/bin/$(id)', '/bin/../tmp/x y', '/bin/sh\n', `/${'a'.repeat(201)}`])(
    'that is no plain path is refused: %j',
    (shell) => {
      expect(findLoginShell({ ...jo, shell }, 0, true)).toMatchObject({
        ok: false,
        detail: expect.stringContaining('plain path'),
      });
    },
  );

  it('of another user is refused when the executor is not root: it could not become them', () => {
    expect(findLoginShell(jo, 1002, true)).toMatchObject({ ok: false });
    const own = findLoginShell(jo, 1001, false);
    expect(own).toMatchObject({ ok: true, shell: { cwd: '/' } });
    expect(own.ok ? own.shell.args : []).not.toContain('--init-groups');
  });
});
