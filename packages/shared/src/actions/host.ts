import type { Clock, Random } from '../time/clock.ts';

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
}

/** Programs by name; the absolute path is the host's. A name that is not here cannot be started. */
export const PROGRAMS = ['apache2ctl', 'groupadd', 'groupdel', 'nft', 'useradd', 'userdel', 'systemctl'] as const;
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
  /** Content up to 1 MiB, UTF-8. */
  state(path: string): Promise<FileState>;
  list(path: string): Promise<readonly string[]>;
  writeFile(path: string, content: string, meta: FileMeta): Promise<void>;
  makeDirectory(path: string, meta: FileMeta): Promise<void>;
  /** Atomic: a new link renamed over the old one. */
  writeSymlink(path: string, target: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** Only when empty. */
  removeDirectory(path: string): Promise<void>;
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

export interface HostAccounts {
  userByName(name: string): Promise<UserEntry | null>;
  userByUid(uid: number): Promise<UserEntry | null>;
  groupByName(name: string): Promise<GroupEntry | null>;
  groupByGid(gid: number): Promise<GroupEntry | null>;
  /** Lines of /etc/subuid and /etc/subgid of that name or uid: must be empty for a hosting account. */
  subordinateRanges(name: string, uid: number): Promise<readonly string[]>;
  /** Does a test file operation as that uid and gid with no supplementary groups, in a short-lived child. */
  canAs(uid: number, gid: number, operation: 'write' | 'list' | 'read', path: string): Promise<boolean>;
}

/** A file that a rehearsal sees instead of (or beside) the one on disk; null content = absent. */
export interface CandidateFile {
  readonly path: string;
  readonly content: string | null;
  /** Symlink target instead of content. */
  readonly target?: string;
}

export interface HttpProbe {
  readonly host: string;
  readonly path: string;
  readonly port: number;
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

/** Apache. */
export interface HostWeb {
  isInstalled(): Promise<boolean>;
  isRunning(): Promise<boolean>;
  /** Pid of the master, or null. A graceful reload keeps it. */
  masterPid(): Promise<number | null>;
  /** Sites enabled on this node: server name, file, port; from the configuration files, for canaries and duplicates. */
  sites(): Promise<readonly { readonly serverName: string; readonly file: string; readonly port: number }[]>;
  /**
   * Starts the candidate configuration for real in private network, mount and pid namespaces, probes through it, stops it.
   * Includes `configtest` and own checks (key matches certificate). The live server is not touched.
   */
  rehearse(candidates: readonly CandidateFile[], probes: readonly HttpProbe[]): Promise<Rehearsal>;
  /** `apache2ctl graceful` and wait until the new generation serves. Never a raw signal. */
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
}

export interface HostPhp {
  /** Versions installed on this node, ascending: `/usr/sbin/php-fpmX.Y` or `/opt/hauban/php/X.Y/usr/sbin/php-fpmX.Y`. */
  installedVersions(): Promise<readonly string[]>;
  isRunning(master: PhpMaster): Promise<boolean>;
  /** Config test, start, wait until it answers ping on its socket. Idempotent. */
  start(master: PhpMaster): Promise<void>;
  /** Ends it gracefully (SIGQUIT), waits, and removes its service definition. Idempotent. */
  stop(master: PhpMaster): Promise<void>;
  /** FastCGI request for an agent-owned probe file through that socket. */
  probe(master: PhpMaster): Promise<PhpProbe>;
}

/** `expiresAt` null: until lifted. `target` is canonical address or prefix text. */
export interface BanEntry {
  readonly target: string;
  readonly expiresAt: number | null;
}

export interface BanState extends BanEntry {
  /** Packets dropped by the set's rule are not per element; null when the kernel does not count. */
  readonly packets: number | null;
}

/** Our own nftables table `inet hauban`; nothing else is read or touched. */
export interface HostFirewall {
  /** All bans in the kernel now. */
  bans(): Promise<readonly BanState[]>;
  /** Addresses and prefixes that may never be banned: policy file, loopback, the node's own, the controller's, peers of SSH sessions. */
  neverBan(): Promise<readonly { readonly target: string; readonly why: string }[]>;
  /** One transaction: table and chain exist, these are added (or their expiry set), those removed. Durable over a reboot. */
  update(add: readonly BanEntry[], remove: readonly string[]): Promise<void>;
}
