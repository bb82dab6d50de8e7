import { mkdirSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Host } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import { createAccounts } from './accounts.ts';
import { createApache } from './apache.ts';
import { createApacheRecord } from './apache-record.ts';
import { createBanStore } from './ban-store.ts';
import type { CustomParts } from './custom/custom-parts.ts';
import { openDoors, type HostReceiptKeys } from './drivers.ts';
import { createFamilies } from './families.ts';
import { createFirewall, type RealFirewall } from './firewall.ts';
import type { NeverBan } from './never-ban.ts';
import { createDirectDriver, createSystemdDriver } from './php-drivers.ts';
import { createPhp } from './php.ts';
import { createPrograms } from './create-programs.ts';
import type { RequireRoot } from './program-paths.ts';
import type { RehearsalCommand } from './rehearse-apart.ts';
import { createSafeFiles } from './safe-files.ts';
import { errorCode, ROOT_TRUST } from './safe-path.ts';

export interface RealHostOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Folder of ours for what has to be remembered: bans with their end, and what Apache has loaded. */
  readonly stateDirectory: string;
  /** Starts `hauban-agent rehearse` of this very agent, such as `{program: process.execPath, args: [mainFile, 'rehearse']}`. */
  readonly rehearsalCommand: RehearsalCommand;
  /** Of the policy file and the link; loopback, own addresses, name servers and SSH peers are found here. */
  readonly neverBan: () => Promise<readonly NeverBan[]>;
  /** The hoster's own programs; left out: there are none. */
  readonly custom?: CustomParts;
  /** Left out: there is no key, and what asks for one is refused. */
  readonly receiptKeys?: HostReceiptKeys;
  /** Left out: are we root? */
  readonly isRoot?: boolean;
}

export interface RealHost extends Host {
  readonly firewall: RealFirewall;
  /** At the start of the executor, before orders are settled: puts back what only lives in the kernel. As an ordinary user it does nothing. */
  reconcile(): Promise<void>;
}

const NO_CUSTOM: CustomParts = {
  folder: '/etc/hauban/actions',
  copies: '/var/lib/hauban/custom-run',
  trust: ROOT_TRUST,
  pinOf: () => ({ ok: false, detail: 'this host takes no custom actions' }),
  printed: () => undefined,
};

const noKey = (): never => {
  throw new HaubanError('ACTION_REFUSED', 'this program signs no receipts');
};
const NO_RECEIPT_KEYS: HostReceiptKeys = { version: 0, key: noKey, rotate: noKey };

/** Process 1 is systemd and may be asked for units. */
function isSystemd(): boolean {
  try {
    return readlinkSync('/proc/1/exe').endsWith('/systemd');
  } catch (error) {
    // Not root: then nothing is started anyway.
    if (['EACCES', 'EPERM', 'ENOENT'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** The machine itself. Reading works for everybody as far as the kernel allows; changing needs root: NEEDS_ROOT otherwise. */
export function createRealHost(options: RealHostOptions): RealHost {
  const { clock, random, stateDirectory } = options;
  const isRoot = options.isRoot ?? process.geteuid?.() === 0;
  const requireRoot: RequireRoot = (what) => {
    if (!isRoot) throw new HaubanError('NEEDS_ROOT', `${what} needs the executor to run as root`);
  };
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const files = createSafeFiles(ROOT_TRUST, requireRoot);
  const hasSystemd = isSystemd();
  const driver = hasSystemd ? createSystemdDriver(files) : createDirectDriver(clock, files);
  const record = createApacheRecord(stateDirectory, clock);
  const store = createBanStore(stateDirectory);
  const programs = createPrograms(requireRoot);
  const accounts = createAccounts(requireRoot);
  const php = createPhp(clock, files, driver, requireRoot);
  const custom = options.custom ?? NO_CUSTOM;
  const firewall = createFirewall({ clock, store, neverBan: options.neverBan, requireRoot });
  return {
    clock,
    random,
    programs,
    files,
    accounts,
    web: createApache({ clock, record, rehearsalCommand: options.rehearsalCommand, requireRoot }),
    php,
    firewall,
    ...openDoors(
      createFamilies({
        clock,
        random,
        programs,
        files,
        stateDirectory,
        requireRoot,
        accounts,
        php,
        isSystemd: hasSystemd,
        custom,
        receiptKeys: options.receiptKeys ?? NO_RECEIPT_KEYS,
        rehearsalCommand: options.rehearsalCommand,
      }),
    ),
    async reconcile() {
      if (!isRoot) return;
      // Copies of programs that a crash left behind.
      await rm(custom.copies, { recursive: true, force: true });
      await firewall.reconcile();
    },
  };
}
