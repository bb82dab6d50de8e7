import Type from 'typebox';
import { HaubanError } from '../../errors/index.ts';
import { defineAction, type ActionDefinition } from '../define-action.ts';
import type { DescribedChange } from '../describe-change.ts';
import type { Host } from '../host.ts';
import { shownDifference } from './shown-difference.ts';
import { normaliseItems, programsOfItems, StateItem, type FindItemAction, type StateArgs } from './state-items.ts';

/** Items of one order: with their arguments they fit a message of the link. */
export const MOST_COMPARED = 200;
/** Characters of all that is shown: a receipt has to carry it. */
const SHOWN = 180_000;

/** An item that is not as wished. `blocked`: it cannot be made so now, and `says` is why. */
export interface Deviation {
  /** Place in the order's items, from 0. */
  readonly item: number;
  readonly is: 'differs' | 'blocked';
  readonly says: string;
  readonly changes: readonly DescribedChange[];
}

/** Data of a compare's receipt. */
export interface Compared {
  readonly inOrder: number;
  readonly deviations: readonly Deviation[];
}

const Args = Type.Object(
  { items: Type.Array(StateItem, { minItems: 1, maxItems: MOST_COMPARED, title: 'Items' }) },
  { additionalProperties: false },
);

/** One item against the machine; null: it is as wished. A fault in one is no fault of the others. */
async function compareItem(
  host: Host,
  { action, args }: StateItem,
  find: FindItemAction,
): Promise<Omit<Deviation, 'item'> | null> {
  const definition = find(action);
  if (definition === undefined) return { is: 'blocked', says: `there is no action ${action}`, changes: [] };
  try {
    const planned = await definition.plan(host, args);
    if (!planned.ok) return { is: 'blocked', says: planned.detail.slice(0, 500), changes: [] };
    const { unmet } = planned;
    if (planned.changes.length === 0)
      return unmet === undefined ? null : { is: 'blocked', says: unmet.slice(0, 500), changes: [] };
    const changes = shownDifference(planned.changes);
    // Moments have neither: they say nothing of the state.
    const first = changes.find(({ before, after }) => before !== null || after !== null) ?? changes[0];
    return { is: 'differs', says: first?.title ?? '', changes };
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return { is: 'blocked', says: `it cannot be looked at: ${error.detail}`.slice(0, 500), changes: [] };
  }
}

async function compareAll(host: Host, { items }: StateArgs, find: FindItemAction): Promise<Compared> {
  const deviations: Deviation[] = [];
  let left = SHOWN;
  for (const [item, wished] of items.entries()) {
    const found = await compareItem(host, wished, find);
    if (found === null) continue;
    const size = JSON.stringify(found.changes).length;
    deviations.push({ item, ...found, changes: size <= left ? found.changes : [] });
    left -= Math.min(size, left);
  }
  return { inOrder: items.length - deviations.length, deviations };
}

/** @param find actions that items may name */
export function createStateCompare(find: FindItemAction): ActionDefinition {
  return defineAction({
    name: 'state.compare',
    version: 1,
    title: 'Compare with a wished state',
    docs: `Looks whether what these actions would make is there already, each for itself, and answers with what differs. Changes nothing. The node's policy has to allow each of the actions.`,
    risk: 'low',
    roles: [],
    needsRoot: true,
    readOnly: true,
    args: Args,
    filledIn: [],
    timeoutMs: 600_000,
    programs: [],
    programsFor: (args) => programsOfItems(args, find),
    // It reads while others may write: what it sees then is gone at the next look.
    locks: () => [],
    normalise: (args) => normaliseItems(args, find),
    async plan(host, args) {
      const data = await compareAll({ ...host, putsRight: true }, args, find);
      const notes = [`${data.inOrder} of ${args.items.length} as wished.`];
      return { ok: true, changes: [], notes, data };
    },
    verify: () => Promise.resolve([]),
  });
}
