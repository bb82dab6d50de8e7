import type { AccessRule } from './people.ts';

type Where = AccessRule['where'];

/** What of a node decides whether a rule holds there. */
interface PlacedNode {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly roles: readonly string[];
}

/**
 * Does a rule hold on this node? Every given part has to fit: one of the nodes, all of the labels, any of the roles.
 * The controller decides by it, and the page counts by it how far a role reaches.
 */
export function isPlaceCovered(where: Where, node: PlacedNode): boolean {
  if (where === 'everywhere') return true;
  const { nodes, labels, roles } = where;
  if (nodes !== undefined && !nodes.includes(node.id)) return false;
  if (roles !== undefined && !roles.some((role) => node.roles.includes(role))) return false;
  return Object.entries(labels ?? {}).every(
    ([name, value]) => Object.hasOwn(node.labels, name) && node.labels[name] === value,
  );
}
