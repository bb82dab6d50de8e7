/** Guests of the hypervisor that this node is: libvirt by `virsh`, or Proxmox VE by its API, as /etc/hosting/hypervisor.toml says. */
import type { HypervisorQueries, HypervisorResources, HypervisorTasks } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers, ResourceDriver } from '../drivers.ts';
import { createGuestMaker, type GuestMaker, type MadeName } from './guest-maker.ts';
import { createGuestSwitches, type GuestSwitches } from './guest-switches.ts';
import { loadHypervisorConfig, loadProxmoxToken } from './hypervisor-config.ts';
import type { Hypervisor } from './hypervisor.ts';
import { createLibvirt, createVirsh } from './libvirt.ts';
import { createProxmoxApi } from './proxmox-api.ts';
import { createProxmoxMaker } from './proxmox-maker.ts';
import { createProxmox } from './proxmox.ts';

const GUEST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

const SNAPSHOT = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

function checkSnapshot(snapshot: string): string {
  if (!SNAPSHOT.test(snapshot))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(snapshot.slice(0, 80))} is no name of a snapshot`);
  return snapshot;
}

function checkGuest(guest: string): string {
  if (!GUEST.test(guest))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(guest.slice(0, 80))} is no name of a guest`);
  return guest;
}

function createOpeners(parts: DriverParts): {
  readonly open: () => Promise<Hypervisor>;
  readonly openMaker: () => Promise<GuestMaker>;
} {
  // Read each time: root may have written it a moment ago.
  const open = async (): Promise<Hypervisor> => {
    const config = await loadHypervisorConfig(parts.files);
    if (config.driver === 'libvirt') return createLibvirt(createVirsh(parts, config), config.hosts);
    return createProxmox(createProxmoxApi(config, await loadProxmoxToken(parts.files)), config, parts.clock);
  };
  const openMaker = async (): Promise<GuestMaker> => {
    const config = await loadHypervisorConfig(parts.files);
    if (config.driver === 'proxmox')
      return createProxmoxMaker({
        ...parts,
        config,
        api: createProxmoxApi(config, await loadProxmoxToken(parts.files)),
      });
    const virsh = createVirsh(parts, config);
    const libvirt = createLibvirt(virsh, config.hosts);
    const identityOf = async (guest: string): Promise<string | null> => (await libvirt.facts(guest))?.identity ?? null;
    return createGuestMaker({ ...parts, virsh, config, identityOf });
  };
  return { open, openMaker };
}

function snapshotDriver(open: () => Promise<Hypervisor>): ResourceDriver<'hypervisor.snapshot'> {
  const snapshotPlace = async (id: string) => {
    const [guest = '', snapshot = '', ...more] = id.split('/');
    if (more.length > 0) throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} is no snapshot`);
    const hypervisor = await open();
    return { guest: checkGuest(guest), snapshot: checkSnapshot(snapshot), hypervisor };
  };
  return {
    async read(id) {
      const { guest, hypervisor, snapshot } = await snapshotPlace(id);
      const facts = await hypervisor.facts(guest);
      if (facts === null) return null;
      const { names } = await hypervisor.snapshots(facts.identity);
      return names.includes(snapshot) ? { identity: facts.identity } : null;
    },
    async write(id, value) {
      const { guest, hypervisor, snapshot } = await snapshotPlace(id);
      const facts = await hypervisor.facts(guest);
      if (facts === null || (value !== null && value.identity !== facts.identity))
        throw new HaubanError('CHANGE_CONFLICT', `${guest} is gone, or another guest now`);
      const isThere = (await hypervisor.snapshots(facts.identity)).names.includes(snapshot);
      if (value === null && isThere) await hypervisor.removeSnapshot(facts.identity, snapshot);
      if (value !== null && !isThere) await hypervisor.takeSnapshot(facts.identity, snapshot);
    },
  };
}

export function createHypervisorDrivers(
  parts: DriverParts,
): FamilyDrivers<HypervisorResources, HypervisorTasks, HypervisorQueries> {
  const { open, openMaker } = createOpeners(parts);
  const made = <N extends MadeName>(pick: (maker: GuestMaker) => ResourceDriver<N>): ResourceDriver<N> => ({
    read: async (id) => pick(await openMaker()).read(id),
    write: async (id, value) => pick(await openMaker()).write(id, value),
  });
  const power = async (guest: string): Promise<GuestSwitches> => {
    checkGuest(guest);
    return createGuestSwitches(await open(), parts);
  };
  return {
    resources: {
      'hypervisor.disk': made((maker) => maker['hypervisor.disk']),
      'hypervisor.guest': made((maker) => maker['hypervisor.guest']),
      'hypervisor.kept': made((maker) => maker['hypervisor.kept']),
      'hypervisor.seed': made((maker) => maker['hypervisor.seed']),
      'hypervisor.snapshot': snapshotDriver(open),
      'hypervisor.power': {
        async read(id) {
          const facts = await (await open()).facts(checkGuest(id));
          return facts === null ? null : { identity: facts.identity, state: facts.state };
        },
        async write(id, value) {
          if (value === null) throw new HaubanError('ACTION_REFUSED', `${id} is switched on or off here, not removed`);
          const place = { guest: id, identity: value.identity };
          const switches = await power(id);
          if (value.state === 'running') await switches.start(place);
          else if (value.state === 'off') await switches.shutDown(place);
          else throw new HaubanError('ACTION_REFUSED', `a guest is not brought to ${value.state}`);
        },
      },
    },
    tasks: {
      'hypervisor.shutdown': async ({ waitS, ...place }) => (await power(place.guest)).shutDown(place, waitS * 1000),
      'hypervisor.cut': async ({ run, ...place }) => (await power(place.guest)).cut(place, run),
      'hypervisor.reboot': async ({ run, waitS, ...place }) =>
        (await power(place.guest)).reboot(place, run, waitS * 1000),
      async 'hypervisor.migrate'({ to, disks, ...place }) {
        const hypervisor = await open();
        // Done by an order that died at its end.
        if ((await hypervisor.facts(checkGuest(place.guest))) === null && (await hypervisor.isAt(place.identity, to)))
          return;
        const { state } = await (await power(place.guest)).facts(place);
        await hypervisor.migrate(place.identity, { to, disks, isRunning: state === 'running' });
      },
      async 'hypervisor.revert'({ snapshot, ...place }) {
        await (await power(place.guest)).facts(place);
        await (await open()).revert(place.identity, checkSnapshot(snapshot));
      },
      'hypervisor.tidy': async (place) => {
        checkGuest(place.guest);
        await (await openMaker()).tidy(place);
      },
      'hypervisor.bring-back': async (place) => (await power(place.guest)).bringBack(place),
    },
    queries: {
      'hypervisor.guests': async () => (await open()).guests(),
      'hypervisor.snapshots': async (place) => {
        await (await power(place.guest)).facts(place);
        return (await open()).snapshots(place.identity);
      },
      'hypervisor.hosts': async () => (await open()).hosts,
      'hypervisor.local-disks': async (place) => {
        await (await power(place.guest)).facts(place);
        return (await open()).localDisks(place.identity);
      },
      'hypervisor.is-at': async ({ identity, to }) => (await open()).isAt(identity, to),
      'hypervisor.prepare': async (order) => (await openMaker()).prepare(order),
      'hypervisor.facts': async ({ guest }) => (await open()).facts(checkGuest(guest)),
    },
  };
}
