/** Guests of the hypervisor that this node is: libvirt by `virsh`, as /etc/hosting/hypervisor.toml says. */
import type { HypervisorQueries, HypervisorResources, HypervisorTasks } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { createGuestSwitches, type GuestSwitches } from './guest-switches.ts';
import { loadHypervisorConfig } from './hypervisor-config.ts';
import type { Hypervisor } from './hypervisor.ts';
import { createLibvirt } from './libvirt.ts';

const GUEST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

function checkGuest(guest: string): string {
  if (!GUEST.test(guest))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(guest.slice(0, 80))} is no name of a guest`);
  return guest;
}

export function createHypervisorDrivers(
  parts: DriverParts,
): FamilyDrivers<HypervisorResources, HypervisorTasks, HypervisorQueries> {
  // Read each time: root may have written it a moment ago.
  const open = async (): Promise<Hypervisor> => createLibvirt(parts, await loadHypervisorConfig(parts.files));
  const power = async (guest: string): Promise<GuestSwitches> => {
    checkGuest(guest);
    return createGuestSwitches(await open(), parts);
  };
  return {
    resources: {
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
      'hypervisor.bring-back': async (place) => (await power(place.guest)).bringBack(place),
    },
    queries: {
      'hypervisor.guests': async () => (await open()).guests(),
      'hypervisor.facts': async ({ guest }) => (await open()).facts(checkGuest(guest)),
    },
  };
}
