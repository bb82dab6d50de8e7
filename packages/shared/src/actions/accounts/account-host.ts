/** What the actions on accounts need of a machine. */

/**
 * One user as /etc/passwd and /etc/shadow have it, but for its expiry, which is a thing of its own. Days since 1970;
 * null: the field is empty.
 */
export interface AccountEntry {
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  /** The field of /etc/shadow: a hash, or `!` for none. */
  readonly password: string;
  readonly lastChangeDay: number | null;
  readonly minDays: number | null;
  readonly maxDays: number | null;
  readonly warnDays: number | null;
  readonly inactiveDays: number | null;
}

export interface AccountResources {
  /** By name. Never taken away while a process runs as that uid; brought back, it has expired. */
  readonly 'account.entry': AccountEntry;
  /** By name; null when there is no such user. */
  readonly 'account.expiry': { readonly day: number | null };
  readonly 'account.shell': { readonly shell: string };
  /** By `NAME/N`: below the homes, or among those kept of deleted accounts as `NAME.N`. Moved, never removed. */
  readonly 'account.home': { readonly place: 'live' | 'kept' };
  /** By `NAME/PATH` in the jail: a copy of that path of the machine. What it replaces is kept for an undo. */
  readonly 'account.jail-file': { readonly sha256: string; /** Octal. */ readonly mode: string };
  /** By `NAME/DEVICE`. */
  readonly 'account.jail-device': { readonly major: number; readonly minor: number; readonly mode: string };
  /** By name; null in it: no limit. */
  readonly 'account.quota': { readonly hardMiB: number | null };
}

/** What fix-permissions brings about. Octal texts, as people write them. */
export interface PermissionPolicy {
  readonly directories: '0755' | '0711' | '0750';
  readonly files: '0644' | '0604' | '0640';
  /** For scripts and files with passwords; what is stricter already stays. */
  readonly secrets: '0600' | '0640';
}

export interface PermissionWork {
  readonly name: string;
  /** Below the home, without `..`. */
  readonly path: string;
  readonly policy: PermissionPolicy;
}

export interface AccountTasks {
  /** Ends every process of that uid; fails when others take their place for ten seconds. */
  readonly 'account.end-processes': { readonly uid: number };
  /** `list`: name of the list of what was there before, in our own folder. */
  readonly 'account.fix-permissions': PermissionWork & { readonly list: string };
  /** `home`: as the resource has it. Brings back a home of ZFS whose move broke off half-way. */
  readonly 'account.home-settle': { readonly home: string };
  /** Removes what a crash left half-written below the jail's folders. */
  readonly 'account.jail-tidy': { readonly name: string };
  readonly 'account.restore-permissions': { readonly name: string; readonly list: string };
}

export interface PermissionFindings {
  readonly looked: number;
  /** How many of each kind, such as `mode` or `owner`. */
  readonly wrong: Readonly<Record<string, number>>;
  /** The first 100, a sentence each. */
  readonly first: readonly string[];
  /** Names all that is wrong: another text as soon as one of them differs. */
  readonly digest: string;
  /** Left alone, and why. */
  readonly skipped: Readonly<Record<string, number>>;
}

export interface AccountRow {
  readonly name: string;
  readonly uid: number;
  readonly php: string | null;
  readonly domains: readonly string[];
  readonly isSuspended: boolean;
  readonly isExpired: boolean;
}

export interface AccountQueries {
  /** `home`: as the resource has it. The dataset of ZFS that it is; null: it is none. */
  readonly 'account.dataset': { readonly args: { readonly home: string }; readonly answer: string | null };
  readonly 'account.processes': {
    readonly args: { readonly uid: number };
    readonly answer: readonly { readonly pid: number; readonly command: string }[];
  };
  readonly 'account.permissions': { readonly args: PermissionWork; readonly answer: PermissionFindings };
  /** These programs and every library that they need, read from the files; `problem` says why one can not be copied. */
  readonly 'account.jail-sources': {
    readonly args: { readonly programs: readonly string[] };
    readonly answer: {
      /** Ascending; `path` without the leading slash. */
      readonly files: readonly { readonly path: string; readonly sha256: string; readonly mode: string }[];
      readonly sizeBytes: number;
      readonly problem: string | null;
    };
  };
  /** What ssh's own programs say of the keys of an account, and whether sshd reads them. */
  readonly 'account.ssh': {
    readonly args: { readonly name: string };
    readonly answer: {
      readonly fingerprints: readonly string[];
      /** Null: sshd is content with its configuration, or not installed. */
      readonly problem: string | null;
      readonly readsKeys: boolean;
      readonly isInstalled: boolean;
    };
  };
  /** `kind` null: the file system of the home can not limit one account; `says` is why. */
  readonly 'account.quota-facts': {
    readonly args: { readonly name: string };
    readonly answer: { readonly kind: string | null; readonly usedMiB: number; readonly says: string };
  };
  readonly 'account.list': {
    readonly args: Readonly<Record<string, never>>;
    readonly answer: readonly AccountRow[];
  };
}
