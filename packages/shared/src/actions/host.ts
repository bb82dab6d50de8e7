import type { Clock, Random } from '../time/clock.ts';
import type { HostQueries, HostResources, HostTasks } from './resource.ts';

/**
 * The only way in which an action may touch a machine. The agent implements it for real (`packages/agent/src/host`),
 * tests in memory (`@hauban/shared/testing`). Every method refuses bad input with a HaubanError; none runs a shell.
 */
export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly programs: HostPrograms;
  readonly files: HostFiles;
  readonly accounts: HostAccounts;
  readonly web: HostWeb;
  readonly php: HostPhp;
  readonly firewall: HostFirewall;
  readonly resources: HostResources;
  readonly tasks: HostTasks;
  readonly queries: HostQueries;
  /** A wished state is put right: plans may replace files of theirs that were changed by hand. Absent: they refuse. */
  readonly putsRight?: boolean;
}

/** Programs by name; the absolute path is the host's. A name that is not here cannot be started. */
export const PROGRAMS = [
  'apache2ctl',
  'apt-get',
  'btrfs',
  'bwrap',
  'chage',
  'chpasswd',
  'cscli',
  'doveadm',
  'dpkg-query',
  'fail2ban-client',
  'getent',
  'groupadd',
  'groupdel',
  'gzip',
  'ip',
  'journalctl',
  'mknod',
  'mariadb',
  'mariadb-dump',
  'mkdir',
  'mount',
  'needrestart',
  'nft',
  'nginx',
  'pg_dump',
  'pg_restore',
  'php-fpm',
  'postmap',
  'postqueue',
  'postsuper',
  'psql',
  'qemu-img',
  'restic',
  'rmdir',
  'setpriv',
  'ssh-keygen',
  'sshd',
  'sync',
  'systemctl',
  'systemd-run',
  'test',
  'unshare',
  'useradd',
  'userdel',
  'usermod',
  'virsh',
  'zfs',
] as const;
export type Program = (typeof PROGRAMS)[number];

export interface RunOptions {
  /** Text for standard input; closed when left out. */
  readonly stdin?: string;
  /** Killed with its process group after this; default 30,000. */
  readonly timeoutMs?: number;
}

/** Output is cut at 1 MiB each; `status` null means killed by a signal or the time-out. */
export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface HostPrograms {
  /** Argument list only: fixed environment, cwd /, own process group. PROGRAM_MISSING when it is not installed. */
  run(program: Program, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

export interface FileMeta {
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A file that a new directory is born with; it belongs to the directory's owner. */
export interface InitialFile {
  readonly name: string;
  readonly content: string;
  readonly mode: number;
}

export type FileState =
  | { readonly type: 'absent' }
  | ({ readonly type: 'file'; readonly content: string } & FileMeta)
  | ({ readonly type: 'directory' } & FileMeta)
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'other' };

/**
 * Files by absolute path, only below directories that root owns and nobody else may write (checked component by
 * component, no symlink followed): FILE_UNSAFE otherwise. Writes are atomic and durable: temporary file in the same
 * directory (O_EXCL, O_NOFOLLOW), fsync, rename, fsync of the directory.
 */
export interface HostFiles {
  /** Content up to 1 MiB, UTF-8; of a longer file the first MiB. */
  state(path: string): Promise<FileState>;
  /** Names in a directory, sorted; empty when it is absent. */
  list(path: string): Promise<readonly string[]>;
  writeFile(path: string, content: string, meta: FileMeta): Promise<void>;
  /** Mode and owner of a file that exists; its content stays. */
  setMeta(path: string, meta: FileMeta): Promise<void>;
  /**
   * Makes it, or sets mode and owner of the one that is there. With `initial` files it is filled under another name
   * as root and renamed when complete, so that its owner never had a hand in it meanwhile.
   */
  makeDirectory(path: string, meta: FileMeta, initial?: readonly InitialFile[]): Promise<void>;
  /** Atomic: a new link renamed over the old one. */
  writeSymlink(path: string, target: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** Only when empty, unchanged `initial` files apart: CHANGE_CONFLICT otherwise, with everything left as it was. */
  removeDirectory(path: string, initial?: readonly InitialFile[]): Promise<void>;
  /** What a crash in the middle of writing `path` may have left beside it, under our own temporary name. */
  removeLeftovers(path: string): Promise<void>;
}

export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** What somebody may do to a file, or may not. */
export interface AccessLook {
  readonly operation: 'write' | 'list' | 'read';
  readonly path: string;
  readonly isAllowed: boolean;
}

export interface HostAccounts {
  userByName(name: string): Promise<UserEntry | null>;
  userByUid(uid: number): Promise<UserEntry | null>;
  groupByName(name: string): Promise<GroupEntry | null>;
  groupByGid(gid: number): Promise<GroupEntry | null>;
  /** Of this machine's own files only, which is what the programs of package passwd change; no program is started. */
  ownUser(name: string): Promise<UserEntry | null>;
  ownGroup(name: string): Promise<GroupEntry | null>;
  /** Lines of /etc/subuid and /etc/subgid of that name or uid: must be empty for a hosting account. */
  subordinateRanges(name: string, uid: number): Promise<readonly string[]>;
  /** Does a test file operation as that uid and gid with no supplementary groups, in a short-lived child. */
  canAs(uid: number, gid: number, operation: AccessLook['operation'], path: string): Promise<boolean>;
  /** Whether all of these are so, looked at in the same way by one child; which one is not, `canAs` says. */
  allSoAs(uid: number, gid: number, looks: readonly AccessLook[]): Promise<boolean>;
}

/** What a rehearsal sees instead of (or beside) what is on disk. */
export type CandidateFile =
  | { readonly type: 'file'; readonly path: string; readonly content: string }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'absent'; readonly path: string };

export interface HttpProbe {
  readonly host: string;
  readonly path: string;
  readonly port: number;
  /** TLS with that host name; the certificate is not judged. */
  readonly secure?: true;
}

/** One enabled virtual host, as Apache itself lists it. */
export interface WebSite {
  readonly serverName: string;
  readonly aliases: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly port: number;
  readonly secure: boolean;
  /** Answers requests for names that no other site has. */
  readonly isDefault: boolean;
}

export type ProbeResult =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly ok: false; readonly problem: string };

export type Rehearsal =
  | { readonly ok: true; readonly probes: readonly ProbeResult[]; readonly tookMs: number }
  | {
      readonly ok: false;
      readonly stage: 'configtest' | 'start' | 'check';
      /** Where the fault is, when the server says it. */
      readonly file: string | null;
      readonly line: number | null;
      readonly problem: string;
    };

/** What the sites that nobody is changing have to do in a rehearsal: answer as before, or answer at all. */
export type OtherSites = 'same' | 'alive';

/** Apache. */
export interface HostWeb {
  isInstalled(): Promise<boolean>;
  isRunning(): Promise<boolean>;
  /** Pid of the master, or null. A graceful reload keeps it. */
  masterPid(): Promise<number | null>;
  /** Loaded modules by name, such as `proxy_fcgi`. CONFIG_INVALID when the configuration does not pass its test. */
  modules(): Promise<readonly string[]>;
  /** Sites enabled on this node, from the configuration on disk. CONFIG_INVALID when it does not pass its test. */
  sites(): Promise<readonly WebSite[]>;
  /** What differs between the configuration on disk and the one that the running server has loaded; empty: nothing. */
  pending(): Promise<readonly string[]>;
  /**
   * Starts the candidate configuration for real in private network, mount and pid namespaces, probes through it, stops it.
   * Includes `configtest` and own checks (key matches certificate, no account's site loses its name, ports and open files
   * that the live server can have). The live server is not touched. `others`: 'same' unless it is said.
   */
  rehearse(candidates: readonly CandidateFile[], probes: readonly HttpProbe[], others?: OtherSites): Promise<Rehearsal>;
  /**
   * Rehearses what is on disk, then `apache2ctl graceful` (never a raw signal), then waits until a new generation
   * serves, the master is still the same process and sites that answered before still do. CONFIG_INVALID or
   * REHEARSAL_FAILED when it refused (nothing was touched), ACTION_FAILED when the proof is missing.
   */
  reload(): Promise<void>;
  /** Request to the live server on 127.0.0.1; body cut at 64 KiB. */
  probe(probe: HttpProbe): Promise<ProbeResult>;
}

/** One PHP-FPM master of one account and version, in its own mount namespace where only that account's tree exists. */
export interface PhpMaster {
  readonly account: string;
  readonly version: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Parent of all homes, hidden except for `home`. */
  readonly homesRoot: string;
  /** Pool configuration file, written by the action before the start. */
  readonly configFile: string;
  readonly socket: string;
}

export interface PhpProbe {
  readonly version: string;
  readonly uid: number;
  readonly gid: number;
  readonly sapi: string;
  readonly canWriteHome: boolean;
  /** Names in the parent of all homes as PHP sees it; must be only the account's own. */
  readonly visibleHomes: readonly string[];
  /** Limits by their name, as PHP itself says them. */
  readonly limits: Readonly<Record<string, string>>;
}

export interface HostPhp {
  /** Versions installed on this node, ascending: `/usr/sbin/php-fpmX.Y` or `/opt/hauban/php/X.Y/usr/sbin/php-fpmX.Y`. */
  installedVersions(): Promise<readonly string[]>;
  isRunning(master: PhpMaster): Promise<boolean>;
  /** Config test, start, wait until it answers ping on its socket. Idempotent. */
  start(master: PhpMaster): Promise<void>;
  /** The same for many, started at the same time where that is possible. */
  startAll(masters: readonly PhpMaster[]): Promise<void>;
  /** Ends it gracefully (SIGQUIT), waits, and removes its service definition. Idempotent. */
  stop(master: PhpMaster): Promise<void>;
  /** The same for many, ended at the same time where that is possible. */
  stopAll(masters: readonly PhpMaster[]): Promise<void>;
  /** FastCGI request for an agent-owned probe file through that socket. */
  probe(master: PhpMaster): Promise<PhpProbe>;
}

/** `expiresAt` (Unix ms) null: until lifted. `target` is canonical address or prefix text. */
export interface BanEntry {
  readonly target: string;
  readonly expiresAt: number | null;
  readonly reason: string;
}

export interface BanState extends BanEntry {
  /** Unix ms; null when it was not made by us. */
  readonly since: number | null;
  /** Packets dropped so far; null when the kernel does not count. */
  readonly packets: number | null;
}

/** Our own nftables table `inet hauban`; nothing else is read or touched. */
export interface HostFirewall {
  /** All bans in the kernel now. */
  bans(): Promise<readonly BanState[]>;
  /** Addresses and prefixes that may never be banned: policy file, loopback, the node's own, the controller's, peers of SSH sessions. */
  neverBan(): Promise<readonly { readonly target: string; readonly why: string }[]>;
  /**
   * One transaction: table and chain exist, these are added (or their expiry set), those removed; all or nothing.
   * Without bans there is no table. Durable over a reboot (`reconcile` of the real one puts them back).
   */
  update(add: readonly BanEntry[], remove: readonly string[]): Promise<void>;
}
