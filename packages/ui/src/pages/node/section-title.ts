import { isInventorySection } from '@hauban/shared/inventory';
import { visibleLine } from '../../format/visible-text.ts';
import { texts } from '../../texts/index.ts';

/** Title of an inventory section; one that only a newer node knows keeps its name. */
export const sectionTitle = (name: string): string =>
  isInventorySection(name) ? texts.inventory.names[name] : visibleLine(name, 40);
