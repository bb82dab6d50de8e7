/**
 * Inventory: slow facts of a node, in named sections. A section is sent whole when its hash changes and each change
 * is kept with its time, so sections hold no figure that moves by itself (no free space, no uptime). Every value
 * comes from the node and is hostile to the page: text only, never markup.
 */
export const INVENTORY_SECTIONS = {
  hardware: 'Machine, processor, memory',
  os: 'Operating system and kernel',
  disks: 'Disks and file systems',
  interfaces: 'Network interfaces and addresses',
  packages: 'Installed packages',
  updates: 'Pending updates, security first',
  units: 'systemd units',
  ports: 'Listening ports',
  php: 'PHP versions',
  sites: 'Web sites of Apache and nginx',
  accounts: 'Hosting accounts',
  certificates: 'Certificates and their expiry',
  custom: 'Actions of the hoster’s own',
} as const;

export type InventorySection = keyof typeof INVENTORY_SECTIONS;

export function isInventorySection(name: string): name is InventorySection {
  return Object.hasOwn(INVENTORY_SECTIONS, name);
}

/** A section that cannot be read here says why instead of its data. */
export interface SectionUnavailable {
  readonly unavailable: string;
}

export interface PendingUpdate {
  readonly name: string;
  readonly installed: string;
  readonly available: string;
  readonly isSecurity: boolean;
}

export interface SiteRow {
  readonly server: 'apache' | 'nginx';
  readonly file: string;
  readonly names: readonly string[];
  readonly listen: readonly string[];
  readonly root: string | null;
  readonly certificate: string | null;
}

export interface CertificateRow {
  readonly file: string;
  readonly subject: string;
  readonly names: readonly string[];
  readonly issuer: string;
  /** ISO 8601, UTC. */
  readonly validTo: string;
}

/** Uids of hosting accounts (controller-allocated): above 16 bits, below systemd's container range. */
export const ACCOUNT_UID_MIN = 100_000;
export const ACCOUNT_UID_MAX = 499_999;
