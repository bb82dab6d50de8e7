import { INVENTORY_SECTIONS, isInventorySection } from '@hauban/shared/inventory';
import { visibleLine } from '../../format/visible-text.ts';

/** Title of an inventory section; one that only a newer node knows keeps its name. */
export const sectionTitle = (name: string): string => (isInventorySection(name) ? INVENTORY_SECTIONS[name] : visibleLine(name, 40));
