/** Absolute paths of the programs that the lab itself calls, with the Debian package each comes from. */
export const programs = {
  cat: { path: '/usr/bin/cat', package: 'coreutils' },
  cp: { path: '/usr/bin/cp', package: 'coreutils' },
  curl: { path: '/usr/bin/curl', package: 'curl' },
  debootstrap: { path: '/usr/sbin/debootstrap', package: 'debootstrap' },
  flock: { path: '/usr/bin/flock', package: 'util-linux' },
  hostname: { path: '/usr/bin/hostname', package: 'hostname' },
  ip: { path: '/usr/bin/ip', package: 'iproute2' },
  mount: { path: '/usr/bin/mount', package: 'mount' },
  nsenter: { path: '/usr/bin/nsenter', package: 'util-linux' },
  rm: { path: '/usr/bin/rm', package: 'coreutils' },
  setpriv: { path: '/usr/bin/setpriv', package: 'util-linux' },
  socat: { path: '/usr/bin/socat', package: 'socat' },
  systemctl: { path: '/usr/bin/systemctl', package: 'systemd' },
  systemdNspawn: { path: '/usr/bin/systemd-nspawn', package: 'systemd-container' },
  tini: { path: '/usr/bin/tini', package: 'tini' },
  umount: { path: '/usr/bin/umount', package: 'mount' },
  unshare: { path: '/usr/bin/unshare', package: 'util-linux' },
  xargs: { path: '/usr/bin/xargs', package: 'findutils' },
} as const;

/** What the nodes need of this machine, because a disposable node's file tree is this machine's own. */
export const nodePrograms = {
  apache2: { path: '/usr/sbin/apache2', package: 'apache2' },
  btrfs: { path: '/usr/bin/btrfs', package: 'btrfs-progs' },
  bubblewrap: { path: '/usr/bin/bwrap', package: 'bubblewrap' },
  cgiFcgi: { path: '/usr/bin/cgi-fcgi', package: 'libfcgi-bin' },
  haproxy: { path: '/usr/sbin/haproxy', package: 'haproxy' },
  doveadm: { path: '/usr/bin/doveadm', package: 'dovecot-imapd' },
  fail2ban: { path: '/usr/bin/fail2ban-client', package: 'fail2ban' },
  mariadbd: { path: '/usr/sbin/mariadbd', package: 'mariadb-server' },
  nft: { path: '/usr/sbin/nft', package: 'nftables' },
  openssl: { path: '/usr/bin/openssl', package: 'openssl' },
  phpFpm: { path: '/usr/sbin/php-fpm8.2', package: 'php8.2-fpm' },
  ping: { path: '/usr/bin/ping', package: 'iputils-ping' },
  pgDump: { path: '/usr/bin/pg_dump', package: 'postgresql' },
  postfix: { path: '/usr/sbin/postfix', package: 'postfix' },
} as const;
