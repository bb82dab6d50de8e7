import type { UserEntry } from '@hauban/shared/actions';

/** How a shell is started for one user: with exactly this environment, as that user and nobody else. */
export interface LoginShell {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export type FoundShell =
  | { readonly ok: true; readonly shell: LoginShell }
  | { readonly ok: false; readonly detail: string };

const ADMIN_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const USER_PATH = '/usr/local/bin:/usr/bin:/bin';
/** Shells that end at once; the person would only see a closed window. */
const NO_SHELLS = ['/usr/sbin/nologin', '/sbin/nologin', '/bin/false', '/usr/bin/false', '/bin/true', '/usr/bin/true'];

/**
 * The login shell of a user, for a process that runs as `ownUid`.
 *
 * Root changes to the user with setpriv (util-linux), which sets all ids and the supplementary groups and then becomes
 * the shell; node-pty's own uid option leaves root's supplementary groups. There is no PAM session: no password is
 * asked, and nothing on the way can hang. prlimit puts the usual limit of open files back, which Node raises for itself.
 * @param hasHome does the user's home folder exist
 */
export function findLoginShell(user: UserEntry, ownUid: number, hasHome: boolean): FoundShell {
  const program = user.shell === '' ? '/bin/sh' : user.shell;
  if (NO_SHELLS.includes(program))
    return { ok: false, detail: `the login shell of ${user.name} is ${program}, so it has none` };
  if (!/^\/[A-Za-z0-9._/-]{1,200}$/.test(program))
    return { ok: false, detail: `the login shell of ${user.name} is not a plain path` };
  if (ownUid !== 0 && user.uid !== ownUid)
    return {
      ok: false,
      detail: `the executor does not run as root, so it can open shells only as its own user, not as ${user.name}`,
    };
  const env = {
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: program,
    PATH: user.uid === 0 ? ADMIN_PATH : USER_PATH,
  };
  const limits = ['--nofile=1024:', '--'];
  const change = ['/usr/bin/setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--'];
  const args = [...limits, ...(ownUid === 0 ? change : []), program, '-l'];
  return { ok: true, shell: { program: '/usr/bin/prlimit', args, env, cwd: hasHome ? user.home : '/' } };
}
