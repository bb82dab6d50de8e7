import type { InventorySection, SectionUnavailable } from '@hauban/shared/inventory';
import type { InventoryHost } from '../host/inventory-host.ts';

/** One section: reads, never changes. A throw is caught by the caller and becomes `unavailable`. */
export interface Section {
  readonly name: InventorySection;
  take(host: InventoryHost): Promise<unknown>;
}

export const unavailable = (why: string): SectionUnavailable => ({ unavailable: why });
