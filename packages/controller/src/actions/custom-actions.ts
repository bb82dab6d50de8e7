import { canonicalJson } from '@hauban/link';
import { CUSTOM_NAME, defineCustom, parseCustomManifest, type ActionDefinition } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** What the nodes say of their hoster's own actions: section `custom` of their inventory, hostile as all of it. */
export interface ToldCustom {
  readonly nodeId: string;
  readonly data: unknown;
}

/** The controller does not see the programs: which bytes run is between the node's root and its executor. */
const NO_HASH = '0'.repeat(64);
const MOST_OF_A_NODE = 100;

interface Found {
  readonly name: string;
  readonly text: string;
  readonly action: ActionDefinition;
}

function foundIn({ data }: ToldCustom): readonly Found[] {
  if (!Array.isArray(data)) return [];
  return data.slice(0, MOST_OF_A_NODE).flatMap((row: unknown) => {
    const { name, manifest } = (row ?? {}) as { readonly name?: unknown; readonly manifest?: unknown };
    if (typeof name !== 'string' || !CUSTOM_NAME.test(name)) return [];
    const parsed = parseCustomManifest(manifest);
    if (!parsed.ok) return [];
    const action = defineCustom({ name, hash: NO_HASH, manifest: parsed.manifest });
    return [{ name: action.name, text: canonicalJson(parsed.manifest), action }];
  });
}

/** By name; null: nodes have different ones under that name. */
function byName(told: readonly ToldCustom[]): ReadonlyMap<string, Found | null> {
  const found = new Map<string, Found | null>();
  for (const one of told.flatMap(foundIn)) {
    const known = found.get(one.name);
    if (known === undefined) found.set(one.name, one);
    else if (known !== null && known.text !== one.text) found.set(one.name, null);
  }
  return found;
}

/** Those that are the same wherever they are, by name. */
export const offeredCustom = (told: readonly ToldCustom[]): readonly ActionDefinition[] =>
  [...byName(told).values()]
    .flatMap((one) => (one === null ? [] : [one.action]))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** ACTION_UNKNOWN when no node has it; CONFLICT when it is not the same everywhere. */
export function findCustom(name: string, told: readonly ToldCustom[]): ActionDefinition {
  const found = byName(told).get(name);
  if (found === undefined) throw new HaubanError('ACTION_UNKNOWN', `No node has an action ${JSON.stringify(name)}.`);
  if (found === null)
    throw new HaubanError(
      'CONFLICT',
      `${name} is not the same on all nodes that have it: bring its manifests together.`,
    );
  return found.action;
}
