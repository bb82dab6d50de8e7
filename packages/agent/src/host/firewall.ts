import type { BanEntry, BanState, HostFirewall } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { BanStore, StoredBan } from './ban-store.ts';
import { loadNeverBan, type NeverBan } from './never-ban.ts';
import {
  changeCommands,
  hasTable,
  neverCommands,
  parseTable,
  rebuildCommands,
  removeTableCommands,
  TABLE,
  type Command,
  type KernelTable,
} from './nft-table.ts';
import { PROGRAM_PATHS, type RequireRoot } from './program-paths.ts';
import { mustRun, runProgram, saidBy } from './run-program.ts';

export interface FirewallOptions {
  readonly clock: Clock;
  readonly store: BanStore;
  /** From the policy file and the link: asked each time. */
  readonly neverBan: () => Promise<readonly NeverBan[]>;
  readonly requireRoot: RequireRoot;
}

export interface RealFirewall extends HostFirewall {
  /** Brings the kernel to what is stored: after a reboot, a flushed ruleset, or a crash between the two. */
  reconcile(): Promise<void>;
}

const NFT = PROGRAM_PATHS.nft;
/** Some 130 bytes a ban; cut off, it would be no JSON, and nobody could be banned or freed any more. */
const TABLE_BYTES = 64 * 1024 * 1024;
const EMPTY: KernelTable = { isIntact: false, bans: [] };

async function readTable(): Promise<KernelTable | null> {
  const { stdout } = await mustRun(NFT, ['-j', 'list', 'tables']);
  if (!hasTable(stdout)) return null;
  const { stdout: table } = await mustRun(NFT, ['-j', 'list', 'table', 'inet', TABLE], { outputBytes: TABLE_BYTES });
  return parseTable(table);
}

/** One transaction: all of it or nothing. */
async function commit(commands: readonly Command[]): Promise<void> {
  const result = await runProgram(NFT, ['-j', '-f', '-'], { stdin: JSON.stringify({ nftables: commands }) });
  if (result.status === 0) return;
  // nft answers a full set with the error text of ENFILE.
  const isFull = /Too many open files/.test(result.stderr);
  throw new HaubanError('PROGRAM_FAILED', isFull ? 'the set of bans is full' : `nft: ${saidBy(result)}`);
}

const isOver = (ban: BanEntry, nowMs: number): boolean => ban.expiresAt !== null && ban.expiresAt <= nowMs;

/** Kernel and file say the same end within this; the kernel rounds to seconds. */
const SAME_END_MS = 2000;

/** @param leftS as the kernel has it; null: until lifted */
function endsAlike({ expiresAt }: BanEntry, leftS: number | null, nowMs: number): boolean {
  if (expiresAt === null || leftS === null) return expiresAt === leftS;
  return Math.abs(expiresAt - nowMs - leftS * 1000) <= SAME_END_MS;
}

function mergeBans(kernel: KernelTable, stored: readonly StoredBan[], nowMs: number): readonly BanState[] {
  const known = new Map(stored.map((ban) => [ban.target, ban]));
  return kernel.bans.map(({ target, leftS, packets }) => {
    const end = leftS === null ? null : nowMs + leftS * 1000;
    const ours = known.get(target);
    if (ours === undefined) return { target, expiresAt: end, reason: 'unknown', since: null, packets };
    const expiresAt = endsAlike(ours, leftS, nowMs) ? ours.expiresAt : end;
    return { target, expiresAt, reason: ours.reason, since: ours.since, packets };
  });
}

function nextBans(
  stored: readonly StoredBan[],
  add: readonly BanEntry[],
  remove: readonly string[],
  nowMs: number,
): readonly StoredBan[] {
  const bans = new Map(stored.filter((ban) => !isOver(ban, nowMs)).map((ban) => [ban.target, ban]));
  for (const target of remove) bans.delete(target);
  for (const { target, expiresAt, reason } of add) bans.set(target, { target, expiresAt, reason, since: nowMs });
  return [...bans.values()];
}

export function createFirewall(options: FirewallOptions): RealFirewall {
  const { clock, store, requireRoot } = options;
  const neverBan = async (): Promise<readonly NeverBan[]> => loadNeverBan(await options.neverBan());

  /** At boot the policy may not be read yet and no name be resolved: then those count that did when the bans were made. */
  const neverBanAtBoot = async (): Promise<readonly NeverBan[]> => {
    try {
      return await neverBan();
    } catch (error) {
      if (error instanceof HaubanError) return loadNeverBan(store.load().never);
      throw error;
    }
  };

  const bring = async (
    bans: readonly StoredBan[],
    never: readonly NeverBan[],
    add: readonly BanEntry[],
    remove: readonly string[],
  ): Promise<void> => {
    const table = await readTable();
    if (bans.length === 0) {
      if (table !== null) await commit(removeTableCommands());
      return;
    }
    const isIntact = table?.isIntact === true;
    const nevers = neverCommands(never.map(({ target }) => target));
    const changes = isIntact
      ? changeCommands(table.bans, add, remove, clock.nowMs())
      : changeCommands([], bans, [], clock.nowMs());
    await commit([...(isIntact ? [] : rebuildCommands()), ...nevers, ...changes]);
  };

  return {
    async bans() {
      requireRoot('Reading the firewall');
      return mergeBans((await readTable()) ?? EMPTY, store.load().bans, clock.nowMs());
    },
    neverBan,
    async update(add, remove) {
      requireRoot('Changing the firewall');
      const further = await options.neverBan();
      const before = store.load();
      const after = nextBans(before.bans, add, remove, clock.nowMs());
      // Stored first: after a crash in between, reconcile brings the kernel to it.
      store.save({ bans: after, never: further });
      try {
        await bring(after, await loadNeverBan(further), add, remove);
      } catch (error) {
        store.save(before);
        throw error;
      }
    },
    async reconcile() {
      requireRoot('Restoring the bans');
      const nowMs = clock.nowMs();
      const stored = store.load();
      const wanted = stored.bans.filter((ban) => !isOver(ban, nowMs));
      if (wanted.length !== stored.bans.length) store.save({ ...stored, bans: wanted });
      const table = await readTable();
      const inKernel = new Map((table ?? EMPTY).bans.map((ban) => [ban.target, ban]));
      // Not there, or with the end from before a change of it.
      const missing = wanted.filter((ban) => {
        const there = inKernel.get(ban.target);
        return there === undefined || !endsAlike(ban, there.leftS, nowMs);
      });
      const known = new Set(wanted.map(({ target }) => target));
      // Not in the file: lifted, or never ours.
      const strange = [...inKernel.keys()].filter((target) => !known.has(target));
      const isWrong = table !== null && (!table.isIntact || wanted.length === 0);
      if (missing.length > 0 || strange.length > 0 || isWrong)
        await bring(wanted, await neverBanAtBoot(), missing, strange);
    },
  };
}
