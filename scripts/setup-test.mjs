// Installs the Debian packages that the tests need: only what is missing, nothing started.
//
// As root: `apt-get update` when the lists are missing or older than a week, then one `apt-get install`, tried twice.
// As another user: says what is missing and ends with 0; tests that need root then skip themselves and say why.
//
// Services stay off. Debian's package scripts ask /usr/sbin/policy-rc.d before they start anything: where there is none,
// one that forbids it is put there for the time of the installation. Where systemd is the machine's own init, the units
// that came with the new packages are disabled afterwards, so that the next boot does not start them either. What stays
// behind is the packages themselves; `apt-get purge` with the names printed below takes them away again.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Package and what the tests do with it. */
const packages = {
  apache2: 'web server of the nodes',
  'apache2-utils': 'ab, load while PHP versions are switched',
  'btrfs-progs': 'limits of accounts',
  'busybox-static': 'the guest of the hypervisor tests',
  bubblewrap: 'private mounts for PHP roots and rehearsals',
  certbot: 'renewal of certificates',
  chromium: 'the page in a real browser',
  curl: 'requests from inside a node',
  debootstrap: 'file trees of full nodes and further PHP versions',
  'debian-archive-keyring': 'signatures of those file trees',
  dbus: 'systemctl inside full nodes',
  dosfstools: 'the disk of that guest',
  'dovecot-imapd': 'mailboxes',
  'dovecot-lmtpd': 'delivery into mailboxes',
  fail2ban: 'bans that are not ours',
  haproxy: 'load balancer actions',
  hostname: 'names of the nodes',
  'iputils-ping': 'packet paths',
  iproute2: 'namespaces, bridges, addresses',
  'libfcgi-bin': 'cgi-fcgi, probes of PHP-FPM',
  'libvirt-clients': 'virsh, actions on guests',
  'libvirt-daemon': 'a hypervisor inside a node',
  'libvirt-daemon-driver-qemu': 'real guests in it',
  logrotate: 'rotation of the logs of accounts',
  'mariadb-server': 'databases',
  mtools: 'the disk of that guest',
  nftables: 'firewall actions',
  'nginx-light': 'the other web server',
  'openssh-client': 'the shell comparison of the bench',
  'openssh-server': 'the shell comparison of the bench',
  openssl: 'certificates for sites',
  pebble: 'an ACME authority for tests',
  'php8.2-fpm': 'PHP of Debian 12',
  postfix: 'mail queue and delivery',
  postgresql: 'databases',
  procps: 'process lists inside nodes',
  'qemu-system-x86': 'real guests, emulated',
  'qemu-utils': 'their disks',
  restic: 'backups of homes',
  socat: 'ports into and out of the lab',
  softhsm2: "a token for the signer's key",
  strace: 'programs and files of drivers under attack',
  syslinux: 'what that guest boots by',
  'systemd-container': 'systemd-nspawn, full nodes',
  tini: 'first process of disposable nodes',
  'util-linux': 'unshare, nsenter, setpriv, flock',
  'zfs-fuse': 'snapshots of ZFS, without a module in the kernel',
};

/** Units that these packages would start at the next boot of a machine with a real init. */
const units = {
  apache2: ['apache2.service', 'apache-htcacheclean.service'],
  'php8.2-fpm': ['php8.2-fpm.service'],
  'dovecot-imapd': ['dovecot.service', 'dovecot.socket'],
  fail2ban: ['fail2ban.service'],
  haproxy: ['haproxy.service'],
  'mariadb-server': ['mariadb.service'],
  'nginx-light': ['nginx.service'],
  nftables: ['nftables.service'],
  certbot: ['certbot.timer'],
  'openssh-server': ['ssh.service', 'ssh.socket'],
  postfix: ['postfix.service'],
  postgresql: ['postgresql.service'],
  'systemd-container': ['machines.target'],
  'zfs-fuse': ['zfs-fuse.service'],
};

const policyFile = '/usr/sbin/policy-rc.d';
/** Tells our own policy file, left by a run that was killed, from one that the machine's owner wrote. */
const policyMark = '# put here by scripts/setup-test.mjs for the time of an installation';
const listsFolder = '/var/lib/apt/lists';
const listsMaxAgeMs = 7 * 24 * 60 * 60 * 1000;
const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  APT_LISTCHANGES_FRONTEND: 'none',
  NEEDRESTART_SUSPEND: '1',
};

const say = (line) => process.stdout.write(`setup-test: ${line}\n`);

function run(program, args) {
  const result = spawnSync(program, args, {
    cwd: '/',
    env: environment,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return {
    ok: result.status === 0,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? result.error.message : ''}`,
  };
}

/** Names in `packages` that dpkg does not report as installed. */
function findMissing() {
  const names = Object.keys(packages);
  const { output } = run('/usr/bin/dpkg-query', [
    '--show',
    '--showformat',
    '${Package} ${db:Status-Status}\n',
    ...names,
  ]);
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function listsAreOld() {
  if (!existsSync(listsFolder)) return true;
  const times = readdirSync(listsFolder)
    .filter((name) => /_(?:InRelease|Release)$/.test(name))
    .map((name) => statSync(join(listsFolder, name)).mtimeMs);
  return times.length === 0 || Date.now() - Math.max(statSync(listsFolder).mtimeMs, ...times) > listsMaxAgeMs;
}

function lastLines(output) {
  return output.trim().split('\n').slice(-8).join('\n');
}

function updateLists() {
  say('apt-get update');
  const { ok, output } = run('/usr/bin/apt-get', ['update', '--quiet', '-o', 'DPkg::Lock::Timeout=300']);
  if (!ok) say(`apt-get update failed, going on with the lists that are there:\n${lastLines(output)}`);
}

/** The names that this machine's apt can install; the others are named, not passed over. */
function keepOffered(missing) {
  const { output } = run('/usr/bin/apt-cache', ['policy', ...missing]);
  const offered = new Set();
  let current = '';
  for (const line of output.split('\n')) {
    const head = /^(\S+):$/.exec(line);
    if (head) current = head[1];
    else if (/^\s+Candidate: (?!\(none\))/.test(line)) offered.add(current);
  }
  const absent = missing.filter((name) => !offered.has(name));
  if (absent.length > 0) say(`not offered by this machine's apt: ${absent.join(' ')}`);
  return missing.filter((name) => offered.has(name));
}

/** Installs with starts forbidden; gives apt's last words when it fails twice. */
function install(names) {
  const args = [
    'install',
    '--yes',
    '--quiet',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=300',
    '-o',
    'Dpkg::Use-Pty=0',
    '--',
    ...names,
  ];
  const bringPolicy = !existsSync(policyFile) || readFileSync(policyFile, 'utf8').includes(policyMark);
  if (bringPolicy) writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  // Ctrl-C reaches apt-get too; ours is only held back until the policy file is gone again.
  const hold = () => undefined;
  process.on('SIGINT', hold).on('SIGTERM', hold);
  try {
    say(`apt-get install ${names.join(' ')}`);
    const first = run('/usr/bin/apt-get', args);
    if (first.ok) return null;
    say('apt-get install failed, trying once more with fresh lists');
    updateLists();
    const second = run('/usr/bin/apt-get', args);
    return second.ok ? null : lastLines(second.output);
  } finally {
    if (bringPolicy) rmSync(policyFile, { force: true });
    process.off('SIGINT', hold).off('SIGTERM', hold);
  }
}

function disableUnits(names) {
  if (!existsSync('/run/systemd/system')) return;
  const found = names.flatMap((name) => units[name] ?? []).filter((unit) => existsSync(`/lib/systemd/system/${unit}`));
  if (found.length === 0) return;
  const { ok, output } = run('/usr/bin/systemctl', ['disable', '--', ...found]);
  say(ok ? `not started at boot: ${found.join(' ')}` : `could not disable ${found.join(' ')}: ${lastLines(output)}`);
}

function main() {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-query')) {
    say('this is not a Debian machine (no apt-get): tests that need real services will skip themselves');
    return 0;
  }
  const missing = findMissing();
  if (missing.length === 0) {
    say('all packages are there');
    return 0;
  }
  if (process.getuid?.() !== 0) {
    say('missing packages, and only root can install them; tests that need them will skip themselves:');
    for (const name of missing) say(`  ${name}: ${packages[name]}`);
    say(`as root: apt-get install --no-install-recommends ${missing.join(' ')}`);
    return 0;
  }
  if (listsAreOld()) updateLists();
  const offered = keepOffered(missing);
  const failure = offered.length > 0 ? install(offered) : null;
  disableUnits(offered);
  if (failure !== null) say(`apt-get install failed twice:\n${failure}`);
  const left = findMissing();
  if (left.length > 0) {
    say(`still missing: ${left.join(' ')}`);
    return 1;
  }
  say(`installed: ${offered.join(' ')}`);
  return 0;
}

process.exitCode = main();
