import type { InventorySection } from '@hauban/shared/inventory';
import type { InventoryHost } from '../host/inventory-host.ts';
import { accounts } from './accounts.ts';
import { certificates } from './certificates.ts';
import { custom } from './custom.ts';
import { disks } from './disks.ts';
import { hardware } from './hardware.ts';
import { interfaces } from './interfaces.ts';
import { os } from './os.ts';
import { packages } from './packages.ts';
import { php } from './php.ts';
import { ports } from './ports.ts';
import { unavailable, type Section } from './section.ts';
import { sites } from './sites.ts';
import { units } from './units.ts';
import { updates } from './updates.ts';

/** All sections; a test compares the list with the folder and with the table in shared. */
export const SECTIONS: readonly Section[] = [
  hardware,
  os,
  disks,
  interfaces,
  packages,
  updates,
  units,
  ports,
  php,
  sites,
  accounts,
  certificates,
  custom,
];

export interface TakenSection {
  readonly name: InventorySection;
  readonly data: unknown;
}

/** Takes the wanted sections one after another; a section that fails says so and does not stop the others. */
export async function takeInventory(host: InventoryHost, wanted: readonly string[] | null): Promise<TakenSection[]> {
  const out: TakenSection[] = [];
  for (const section of SECTIONS) {
    if (wanted !== null && !wanted.includes(section.name)) continue;
    try {
      out.push({ name: section.name, data: await section.take(host) });
    } catch (error) {
      out.push({
        name: section.name,
        data: unavailable(error instanceof Error ? error.message.slice(0, 300) : 'failed'),
      });
    }
  }
  return out;
}
