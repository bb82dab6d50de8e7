import type { ActionRow } from '@hauban/shared/api';

/** What of the catalogue is shown. Empty texts: any. */
export interface ActionFilter {
  readonly text: string;
  readonly family: string;
  readonly risk: string;
  readonly role: string;
}

/** `php.switch-version` is of the family `php`; the hoster's own are `custom`. */
export const familyOf = ({ name }: Pick<ActionRow, 'name'>): string => name.split('.', 1)[0] ?? name;

/**
 * Every word has to be found somewhere, so that `php switch` finds `php.switch-version`. Those whose name or title has
 * all of them stand before those that only speak of it.
 */
export function filterActions(actions: readonly ActionRow[], filter: ActionFilter): ActionRow[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const isNamed = ({ name, title }: ActionRow): boolean => {
    const text = `${name} ${title}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const found = actions.filter((action) => {
    const text = `${action.name} ${action.title} ${action.docs}`.toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (filter.family === '' || familyOf(action) === filter.family) &&
      (filter.risk === '' || (filter.risk === 'reads' ? action.readOnly : action.risk === filter.risk)) &&
      (filter.role === '' || action.roles.length === 0 || action.roles.includes(filter.role))
    );
  });
  return words.length === 0 ? found : found.toSorted((a, b) => Number(isNamed(b)) - Number(isNamed(a)));
}

/** Families in the order of the catalogue, the hoster's own last. */
export function groupActions(actions: readonly ActionRow[]): [family: string, actions: ActionRow[]][] {
  const groups = new Map<string, ActionRow[]>();
  for (const action of actions) groups.set(familyOf(action), [...(groups.get(familyOf(action)) ?? []), action]);
  return [...groups].toSorted(([a], [b]) => Number(a === 'custom') - Number(b === 'custom'));
}
