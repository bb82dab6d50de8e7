import type { BanEntry, BanState, HostFirewall } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { BanStore, StoredBan } from './ban-store.ts';
import { loadNeverBan, type NeverBan } from './never-ban.ts';
import {
  addElement,
  hasTable,
  neverCommands,
  parseTable,
  rebuildCommands,
  removeElement,
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
const EMPTY: KernelTable = { isIntact: false, bans: [] };

async function readTable(): Promise<KernelTable | null> {
  const { stdout } = await mustRun(NFT, ['-j', 'list', 'tables']);
  if (!hasTable(stdout)) return null;
  return parseTable((await mustRun(NFT, ['-j', 'list', 'table', 'inet', TABLE])).stdout);
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

function mergeBans(kernel: KernelTable, stored: readonly StoredBan[], nowMs: number): readonly BanState[] {
  const known = new Map(stored.map((ban) => [ban.target, ban]));
  return kernel.bans.map(({ target, leftS, packets }) => {
    const end = leftS === null ? null : nowMs + leftS * 1000;
    const ours = known.get(target);
    if (ours === undefined) return { target, expiresAt: end, reason: 'unknown', since: null, packets };
    const isSame =
      ours.expiresAt === null || end === null ? ours.expiresAt === end : Math.abs(ours.expiresAt - end) <= SAME_END_MS;
    return { target, expiresAt: isSame ? ours.expiresAt : end, reason: ours.reason, since: ours.since, packets };
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
  const nevers = async (): Promise<readonly Command[]> => neverCommands((await neverBan()).map(({ target }) => target));

  /** Everything that is to be banned, into a table made anew. */
  const rebuild = async (bans: readonly StoredBan[]): Promise<readonly Command[]> => [
    ...rebuildCommands(),
    ...(await nevers()),
    ...bans.flatMap((ban) => addElement(ban, clock.nowMs())),
  ];

  const bring = async (
    bans: readonly StoredBan[],
    add: readonly BanEntry[],
    remove: readonly string[],
  ): Promise<void> => {
    const table = await readTable();
    if (bans.length === 0) {
      if (table !== null) await commit(removeTableCommands());
    } else if (table?.isIntact !== true) await commit(await rebuild(bans));
    else {
      // Removals first: a prefix may take the place of smaller ones.
      const changes = [...remove.flatMap(removeElement), ...add.flatMap((ban) => addElement(ban, clock.nowMs()))];
      await commit([...(await nevers()), ...changes]);
    }
  };

  return {
    async bans() {
      requireRoot('Reading the firewall');
      return mergeBans((await readTable()) ?? EMPTY, store.load(), clock.nowMs());
    },
    neverBan,
    async update(add, remove) {
      requireRoot('Changing the firewall');
      const before = store.load();
      const after = nextBans(before, add, remove, clock.nowMs());
      // Stored first: after a crash in between, reconcile brings the kernel to it.
      store.save(after);
      try {
        await bring(after, add, remove);
      } catch (error) {
        store.save(before);
        throw error;
      }
    },
    async reconcile() {
      requireRoot('Restoring the bans');
      const nowMs = clock.nowMs();
      const stored = store.load();
      const wanted = stored.filter((ban) => !isOver(ban, nowMs));
      if (wanted.length !== stored.length) store.save(wanted);
      const table = await readTable();
      const inKernel = new Set((table ?? EMPTY).bans.map(({ target }) => target));
      const missing = wanted.filter((ban) => !inKernel.has(ban.target));
      const known = new Set(wanted.map(({ target }) => target));
      // Not in the file: lifted, or never ours.
      const strange = [...inKernel].filter((target) => !known.has(target));
      if (missing.length > 0 || strange.length > 0 || (table !== null && (!table.isIntact || wanted.length === 0)))
        await bring(wanted, missing, strange);
    },
  };
}
