import type { InventorySection, SectionUnavailable } from '@hauban/shared/inventory';

/** What a section may use of the machine; the real one is `host/inventory-host.ts`, tests pass a fixture tree. */
export interface InventoryHost {
  /** Runs a program of the inventory's own list; null when it is not installed. Output is cut at 8 MiB. */
  run(
    program: InventoryProgram,
    args: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly status: number | null; readonly stdout: string } | null>;
  /** UTF-8 text of a file up to 4 MiB; null when absent or not readable. */
  readText(path: string): Promise<string | null>;
  /** Names in a folder, sorted; empty when absent or not readable. */
  list(path: string): Promise<readonly string[]>;
  exists(path: string): Promise<boolean>;
}

export const INVENTORY_PROGRAMS = ['dpkg-query', 'apt-get', 'systemctl'] as const;
export type InventoryProgram = (typeof INVENTORY_PROGRAMS)[number];

/** One section: reads, never changes. A throw is caught by the caller and becomes `unavailable`. */
export interface Section {
  readonly name: InventorySection;
  take(host: InventoryHost): Promise<unknown>;
}

export const unavailable = (why: string): SectionUnavailable => ({ unavailable: why });
