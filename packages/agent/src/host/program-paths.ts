import type { Program } from '@hauban/shared/actions';

/** Where Debian and Ubuntu have them. Nothing is looked up in a PATH. */
export const PROGRAM_PATHS: Readonly<Record<Program, string>> = {
  apache2ctl: '/usr/sbin/apache2ctl',
  'apt-get': '/usr/bin/apt-get',
  btrfs: '/usr/bin/btrfs',
  bwrap: '/usr/bin/bwrap',
  getent: '/usr/bin/getent',
  ip: '/usr/bin/ip',
  journalctl: '/usr/bin/journalctl',
  mkdir: '/usr/bin/mkdir',
  mount: '/usr/bin/mount',
  rmdir: '/usr/bin/rmdir',
  sync: '/usr/bin/sync',
  test: '/usr/bin/test',
  unshare: '/usr/bin/unshare',
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
  mknod: '/usr/bin/mknod',
  mariadb: '/usr/bin/mariadb',
  'mariadb-dump': '/usr/bin/mariadb-dump',
  pg_dump: '/usr/bin/pg_dump',
  pg_restore: '/usr/bin/pg_restore',
  doveadm: '/usr/bin/doveadm',
  // Debian has one for each version; see `programAt`.
  'php-fpm': '/usr/sbin/php-fpm',
  postmap: '/usr/sbin/postmap',
  postqueue: '/usr/sbin/postqueue',
  postsuper: '/usr/sbin/postsuper',
  psql: '/usr/bin/psql',
  'qemu-img': '/usr/bin/qemu-img',
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
  zfs: '/usr/sbin/zfs',
};

/** Debian keeps PostgreSQL's own programs apart, a folder a version. */
const POSTGRESQL = /^\/usr\/lib\/postgresql\/[0-9]{2}\/bin\/(pg_dump|pg_restore|psql)$/;
const PHP_FPM = /^\/usr\/sbin\/php-fpm[0-9]\.[0-9]$/;
const NAMES: ReadonlyMap<string, Program> = new Map(
  Object.entries(PROGRAM_PATHS).map(([name, path]) => [path, name as Program]),
);

/** The program that lies there; null: none of an action. */
export const programAt = (path: string): Program | null =>
  NAMES.get(path) ?? (POSTGRESQL.exec(path)?.[1] as Program | undefined) ?? (PHP_FPM.test(path) ? 'php-fpm' : null);

/** Throws NEEDS_ROOT with what it was for, when we are not root. */
export type RequireRoot = (what: string) => void;
