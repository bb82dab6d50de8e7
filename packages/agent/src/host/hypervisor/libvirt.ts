import type { RunOptions, RunResult } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import type { LibvirtConfig, OtherHost } from './hypervisor-config.ts';
import type { Hypervisor } from './hypervisor.ts';
import { findLocal } from './local-files.ts';
import { parseDiskFiles, parseGuestNames, parseStats, type GuestStats } from './libvirt-output.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A snapshot writes the memory of the guest to its disk. */
const TIMEOUT_MS = 10 * 60_000;

function checkUuid(identity: string): string {
  if (!UUID.test(identity))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(identity.slice(0, 60))} is no UUID of a guest`);
  return identity;
}

/** `virsh`, one call a step. A guest is an argument by its UUID only: a name could be an option, or another's number. */
export interface Virsh {
  run(verb: string, ...args: readonly string[]): Promise<RunResult>;
  /** Its output; PROGRAM_FAILED with what it said. */
  mustRun(verb: string, ...args: readonly string[]): Promise<string>;
  /** The same question to another hypervisor, by an address that root has written. */
  elsewhere(uri: string, verb: string, ...args: readonly string[]): Promise<string>;
  /** How a guest is asked to shut down. The test driver of libvirt knows one way only and takes no word for it. */
  readonly powerButton: readonly string[];
  /** The definition goes in by standard input. */
  define(xml: string): Promise<void>;
}

export function createVirsh({ programs }: Pick<DriverParts, 'programs'>, { uri }: LibvirtConfig): Virsh {
  const start = (args: readonly string[], options: RunOptions = {}, at = uri): Promise<RunResult> =>
    programs.run('virsh', ['--quiet', '--connect', at, ...args], { timeoutMs: TIMEOUT_MS, ...options });
  const checked = (verb: string, result: RunResult): string => {
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `virsh ${verb}: ${saidBy(result)}`);
    return result.stdout;
  };
  return {
    powerButton: uri.startsWith('test') ? [] : ['--mode', 'acpi'],
    run: (verb, ...args) => start([verb, ...args]),
    mustRun: async (verb, ...args) => checked(verb, await start([verb, ...args])),
    elsewhere: async (at, verb, ...args) => checked(verb, await start([verb, ...args], {}, at)),
    define: async (xml) => void checked('define', await start(['define', '--file', '/dev/stdin'], { stdin: xml })),
  };
}

export function createLibvirt(
  { mustRun: virsh, powerButton, run, elsewhere }: Virsh,
  others: readonly OtherHost[],
): Hypervisor {
  const uriOf = (to: string): string => {
    const other = others.find(({ name }) => name === to);
    if (other === undefined)
      throw new HaubanError('ACTION_REFUSED', `${to.slice(0, 63)} is not a host that root has named`);
    return other.uri;
  };
  const names = async (): Promise<ReadonlyMap<string, string>> =>
    parseGuestNames(await virsh('list', '--all', '--uuid', '--name'));
  const stats = async (...uuids: readonly string[]): Promise<ReadonlyMap<string, GuestStats>> =>
    parseStats(await virsh('domstats', '--state', '--vcpu', '--balloon', ...uuids));
  return {
    hosts: others.map(({ name }) => name),
    async migrate(identity, { to, isRunning, disks }) {
      const how = isRunning
        ? ['--live', '--abort-on-error', ...(disks === 'copied' ? ['--copy-storage-all'] : [])]
        : ['--offline'];
      const always = ['--p2p', '--persistent', '--undefinesource', '--domain', checkUuid(identity)];
      await virsh('migrate', ...how, ...always, '--desturi', uriOf(to));
    },
    localDisks: async (identity) =>
      findLocal(parseDiskFiles(await virsh('domblklist', '--domain', checkUuid(identity), '--details', '--inactive'))),
    isAt: async (identity, to) =>
      (await elsewhere(uriOf(to), 'list', '--all', '--uuid')).split('\n').some((line) => line.trim() === identity),
    async guests() {
      const [byName, all] = [await names(), await stats()];
      return [...byName]
        .map(([name, identity]) => ({ name, identity, ...(all.get(name) ?? { state: 'other' as const }) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async facts(guest) {
      const identity = (await names()).get(guest);
      if (identity === undefined) return null;
      const state = (await stats(checkUuid(identity))).get(guest)?.state ?? 'other';
      const run = (await virsh('domid', '--domain', identity)).trim();
      return { name: guest, identity, state, run: run === '-' ? '' : run };
    },
    start: async (identity) => void (await virsh('start', '--domain', checkUuid(identity))),
    askToShutDown: async (identity) => void (await virsh('shutdown', '--domain', checkUuid(identity), ...powerButton)),
    cut: async (identity) => void (await virsh('destroy', '--domain', checkUuid(identity))),
    async snapshots(identity) {
      const names = (await virsh('snapshot-list', '--domain', checkUuid(identity), '--name')).split('\n');
      const found = names.map((name) => name.trim()).filter((name) => name !== '');
      // Asked for while there is none it fails.
      const current = found.length === 0 ? '' : (await run('snapshot-current', '--domain', identity, '--name')).stdout;
      return { names: found, current: current.trim() === '' ? null : current.trim() };
    },
    takeSnapshot: async (identity, snapshot) =>
      void (await virsh('snapshot-create-as', '--domain', checkUuid(identity), '--name', snapshot, '--atomic')),
    removeSnapshot: async (identity, snapshot) =>
      void (await virsh('snapshot-delete', '--domain', checkUuid(identity), '--snapshotname', snapshot)),
    revert: async (identity, snapshot) =>
      void (await virsh('snapshot-revert', '--domain', checkUuid(identity), '--snapshotname', snapshot)),
  };
}
