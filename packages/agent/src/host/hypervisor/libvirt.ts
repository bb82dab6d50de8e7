import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import type { LibvirtConfig } from './hypervisor-config.ts';
import type { Hypervisor } from './hypervisor.ts';
import { parseGuestNames, parseStats, type GuestStats } from './libvirt-output.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIMEOUT_MS = 60_000;

function checkUuid(identity: string): string {
  if (!UUID.test(identity))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(identity.slice(0, 60))} is no UUID of a guest`);
  return identity;
}

export type LibvirtParts = Pick<DriverParts, 'programs'>;

/** `virsh`, one call a step. A guest is an argument by its UUID only: a name could be an option, or another's number. */
export function createLibvirt({ programs }: LibvirtParts, { uri }: LibvirtConfig): Hypervisor {
  const virsh = async (verb: string, ...args: readonly string[]): Promise<string> => {
    const result = await programs.run('virsh', ['--quiet', '--connect', uri, verb, ...args], { timeoutMs: TIMEOUT_MS });
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `virsh ${verb}: ${saidBy(result)}`);
    return result.stdout;
  };
  const names = async (): Promise<ReadonlyMap<string, string>> =>
    parseGuestNames(await virsh('list', '--all', '--uuid', '--name'));
  const stats = async (...uuids: readonly string[]): Promise<ReadonlyMap<string, GuestStats>> =>
    parseStats(await virsh('domstats', '--state', '--vcpu', '--balloon', ...uuids));
  return {
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
    askToShutDown: async (identity) =>
      void (await virsh('shutdown', '--domain', checkUuid(identity), '--mode', 'acpi')),
    cut: async (identity) => void (await virsh('destroy', '--domain', checkUuid(identity))),
  };
}
