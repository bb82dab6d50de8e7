import { PROGRAMS, type HostPrograms, type Program } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { runProgram } from './run-program.ts';

/** Where Debian and Ubuntu have them. Nothing is looked up in a PATH. */
export const PROGRAM_PATHS: Readonly<Record<Program, string>> = {
  apache2ctl: '/usr/sbin/apache2ctl',
  'apt-get': '/usr/bin/apt-get',
  btrfs: '/usr/bin/btrfs',
  chage: '/usr/bin/chage',
  chpasswd: '/usr/sbin/chpasswd',
  cscli: '/usr/bin/cscli',
  'dpkg-query': '/usr/bin/dpkg-query',
  'fail2ban-client': '/usr/bin/fail2ban-client',
  needrestart: '/usr/sbin/needrestart',
  nginx: '/usr/sbin/nginx',
  'systemd-run': '/usr/bin/systemd-run',
  groupadd: '/usr/sbin/groupadd',
  groupdel: '/usr/sbin/groupdel',
  gzip: '/usr/bin/gzip',
  mariadb: '/usr/bin/mariadb',
  'mariadb-dump': '/usr/bin/mariadb-dump',
  pg_dump: '/usr/bin/pg_dump',
  pg_restore: '/usr/bin/pg_restore',
  doveadm: '/usr/bin/doveadm',
  postmap: '/usr/sbin/postmap',
  postqueue: '/usr/sbin/postqueue',
  postsuper: '/usr/sbin/postsuper',
  psql: '/usr/bin/psql',
  restic: '/usr/bin/restic',
  setpriv: '/usr/bin/setpriv',
  nft: '/usr/sbin/nft',
  'ssh-keygen': '/usr/bin/ssh-keygen',
  sshd: '/usr/sbin/sshd',
  systemctl: '/usr/bin/systemctl',
  useradd: '/usr/sbin/useradd',
  userdel: '/usr/sbin/userdel',
  usermod: '/usr/sbin/usermod',
  virsh: '/usr/bin/virsh',
};

/** Throws NEEDS_ROOT with what it was for, when we are not root. */
export type RequireRoot = (what: string) => void;

export function createPrograms(requireRoot: RequireRoot): HostPrograms {
  return {
    async run(program, args, options = {}) {
      requireRoot(`Running ${program}`);
      if (!PROGRAMS.includes(program))
        throw new HaubanError('PROGRAM_MISSING', `${(program as string).slice(0, 40)} is not a program of an action`);
      return runProgram(PROGRAM_PATHS[program], args, options);
    },
  };
}
