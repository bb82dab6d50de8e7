import type { PhpMaster } from '@hauban/shared/actions';

/**
 * What a PHP master sees of the machine: its own home, its own socket folder, its own configuration, and no other
 * account's. One description, written for the two ways in which a master is started: a systemd unit, or bubblewrap
 * where systemd is not process 1. Pure.
 */
export interface PhpInstallation {
  readonly version: string;
  /** Path of php-fpm as the master sees it. */
  readonly binary: string;
  /** A file tree of another Debian release that it lives in; null: this machine's own. */
  readonly root: string | null;
}

/** Where the account's configuration is put; a foreign tree needs it as an empty folder. */
export const MOUNT_POINT = '/etc/hosting';
/** Of the machine itself, because a foreign tree has its own idea of names and addresses; there they are files. */
export const NAME_FILES: readonly string[] = ['/etc/hosts', '/etc/resolv.conf'];

interface Sandbox {
  /** Hidden: an empty folder instead. */
  readonly empty: readonly string[];
  readonly readOnly: readonly (readonly [source: string, target: string])[];
  /** Left out when they are not there. */
  readonly readOnlyIfThere: readonly (readonly [source: string, target: string])[];
  readonly writable: readonly string[];
}

/** Sockets of local services that web applications use. */
const SERVICES = ['mysqld', 'postgresql', 'redis', 'memcached'].map((name) => `/run/${name}`);
const own = (path: string): readonly [string, string] => [path, path];
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

function describe(master: PhpMaster, { root }: PhpInstallation): Sandbox {
  const hidden = ['/run', '/tmp', '/var/tmp', '/home', '/root', MOUNT_POINT];
  return {
    // The outer before the inner.
    empty: [...hidden, ...(root === null ? ['/var/log/hosting', master.homesRoot] : ['/srv'])],
    readOnly: [own(folderOf(master.configFile)), ...(root === null ? [] : NAME_FILES.map(own))],
    readOnlyIfThere: SERVICES.map(own),
    writable: [master.home, folderOf(master.socket)],
  };
}

/** `/etc/hosting`, `/etc/hosting/php` for `/etc/hosting/php/x`: bubblewrap itself would make them closed to the account. */
const parentsOf = (path: string): readonly string[] =>
  path
    .split('/')
    .slice(1, -1)
    .map((_, index, parts) => `/${parts.slice(0, index + 1).join('/')}`);

/** Folders in the empty places that what is bound there needs above itself. */
function missingFolders({ empty, readOnly, writable }: Sandbox): readonly string[] {
  const parents = [...readOnly.map(([, target]) => target), ...writable].flatMap(parentsOf);
  const inside = parents.filter((path) => !empty.includes(path) && empty.some((place) => path.startsWith(`${place}/`)));
  return [...new Set(inside)].sort();
}

/** What the master needs of root's power: become the account, own its socket, end its workers. */
const CAPABILITIES = ['CAP_SETUID', 'CAP_SETGID', 'CAP_CHOWN', 'CAP_KILL', 'CAP_DAC_OVERRIDE'];

/** Arguments of bwrap up to and without the program. Its own pid namespace: PHP sees its own processes only. */
export function bubblewrapArguments(master: PhpMaster, installation: PhpInstallation): readonly string[] {
  const { root } = installation;
  const sandbox = describe(master, installation);
  const base =
    root === null
      ? ['--bind', '/', '/', '--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc']
      : ['--ro-bind', root, '/'];
  return [
    ...base,
    ...['--dev', '/dev', '--proc', '/proc', '--unshare-pid', '--unshare-ipc', '--new-session'],
    ...['--cap-drop', 'ALL', ...CAPABILITIES.flatMap((capability) => ['--cap-add', capability])],
    ...sandbox.empty.flatMap((path) => ['--perms', path.endsWith('tmp') ? '1777' : '0755', '--tmpfs', path]),
    ...missingFolders(sandbox).flatMap((path) => ['--perms', '0755', '--dir', path]),
    ...sandbox.readOnly.flatMap(([source, target]) => ['--ro-bind', source, target]),
    ...sandbox.readOnlyIfThere.flatMap(([source, target]) => ['--ro-bind-try', source, target]),
    ...sandbox.writable.flatMap((path) => ['--bind', path, path]),
    ...['--chdir', '/', '--'],
  ];
}

export const phpArguments = (master: PhpMaster): readonly string[] => ['-F', '-y', master.configFile];

/** A standby has a file of its own, and so a unit of its own. */
export const unitName = ({ account, configFile }: PhpMaster): string =>
  `hosting-php-${account}-${configFile.slice(configFile.lastIndexOf('/') + 1, -'.conf'.length)}.service`;
export const unitFile = (master: PhpMaster): string => `/etc/systemd/system/${unitName(master)}`;

/**
 * Names and paths in it come from checked types: no space, no quote, no percent sign. No test in front of the start: a
 * configuration that is not good ends the start before it says that it is ready.
 */
export function unitText(master: PhpMaster, installation: PhpInstallation, logFile: string): string {
  const { root, binary } = installation;
  const sandbox = describe(master, installation);
  const bind = ([source, target]: readonly [string, string]): string => `${source}:${target}`;
  return `# Managed by Hauban.
[Unit]
Description=PHP ${master.version} of hosting account ${master.account}
After=network.target systemd-tmpfiles-setup.service

[Service]
Type=notify
ExecStart=${binary} ${phpArguments(master).join(' ')}
ExecReload=/bin/kill -USR2 $MAINPID
# Graceful: requests in flight end within process_control_timeout.
KillSignal=SIGQUIT
KillMode=mixed
TimeoutStopSec=30
Restart=on-failure
UMask=0022
Slice=hosting-${master.account}.slice
StandardOutput=append:${logFile}
StandardError=append:${logFile}
${root === null ? '' : `RootDirectory=${root}\nMountAPIVFS=yes\n`}ProtectSystem=full
PrivateDevices=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictSUIDSGID=no
TemporaryFileSystem=${sandbox.empty.map((path) => (path.endsWith('tmp') ? `${path}:mode=1777` : path)).join(' ')}
BindReadOnlyPaths=/run/systemd/notify
${sandbox.readOnly.map((path) => `BindReadOnlyPaths=${bind(path)}`).join('\n')}
BindReadOnlyPaths=${sandbox.readOnlyIfThere.map((path) => `-${bind(path)}`).join(' ')}
BindPaths=${sandbox.writable.join(' ')}

[Install]
WantedBy=multi-user.target
`;
}
