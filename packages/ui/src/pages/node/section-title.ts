import { isInventorySection } from '@hauban/shared/inventory';
import { visibleLine } from '../../format/visible-text.ts';
import { texts } from '../../texts/index.ts';

/** Title of an inventory section; one that only a newer node knows keeps its name. */
export const sectionTitle = (name: string): string =>
  isInventorySection(name) ? texts.inventory.names[name] : visibleLine(name, 40);

/** As a reader looks for them; unknown ones last. */
const ORDER = Object.keys(texts.inventory.names);
const rankOf = (name: string): number => (isInventorySection(name) ? ORDER.indexOf(name) : ORDER.length);

export const bySectionOrder = (a: { readonly name: string }, b: { readonly name: string }): number =>
  rankOf(a.name) - rankOf(b.name);
