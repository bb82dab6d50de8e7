import Type, { type Static } from 'typebox';
import type { ActionDefinition } from '../define-action.ts';
import type { Program } from '../host.ts';
import { parseActionArguments } from '../parse-arguments.ts';
import { whyNoItem } from './why-no-item.ts';

/** One wish: the action and the arguments that make it so. */
export const StateItem = Type.Object(
  {
    action: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}\\.[a-z][a-z0-9-]{0,31}$', maxLength: 64, title: 'Action' }),
    args: Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]{0,39}$' }), Type.Unknown(), {
      title: 'Its arguments',
      maxProperties: 40,
    }),
  },
  { additionalProperties: false },
);
export type StateItem = Static<typeof StateItem>;
export interface StateArgs {
  items: StateItem[];
}

/** Actions that an item may name. */
export type FindItemAction = (name: string) => ActionDefinition | undefined;

const PREFIX = 'state.';

/** What the items' own actions may start. */
export const programsOfItems = ({ items }: StateArgs, find: FindItemAction): readonly Program[] => [
  ...new Set(items.flatMap((item) => find(item.action)?.programs ?? [])),
];

/** Every item in canonical form, or the first thing that is wrong. */
export function normaliseItems(
  args: StateArgs,
  find: FindItemAction,
): { readonly ok: true; readonly args: StateArgs } | { readonly ok: false; readonly problem: string } {
  const items: StateItem[] = [];
  for (const [index, item] of args.items.entries()) {
    const action = find(item.action);
    const why = whyNoItem(action, item.action);
    if (why !== null || action === undefined) return { ok: false, problem: `item ${index + 1}: ${why ?? 'unknown'}` };
    const parsed = parseActionArguments(action, item.args);
    if (!parsed.ok) return { ok: false, problem: `item ${index + 1} (${item.action}): ${parsed.problem}` };
    items.push({ action: item.action, args: parsed.args });
  }
  return { ok: true, args: { items } };
}

/** Actions that do another one many times over: which, and the argument that lists what for. */
const MANY: ReadonlyMap<string, readonly [action: string, list: string]> = new Map([
  ['account.create-many', ['account.create', 'accounts']],
]);

const listIn = (args: unknown, name: string): readonly unknown[] => {
  const found = (args as Record<string, unknown> | null | undefined)?.[name];
  return Array.isArray(found) ? found : [];
};

/** Actions that an order is about: those of its items too. Whoever may not do each of them may not do them together. */
export function orderedActions(action: string, args: unknown): readonly StateItem[] {
  const own = { action, args: args as StateItem['args'] };
  const many = MANY.get(action);
  if (many !== undefined)
    return [own, ...listIn(args, many[1]).map((one) => ({ action: many[0], args: (one ?? {}) as StateItem['args'] }))];
  if (!action.startsWith(PREFIX)) return [own];
  const named = listIn(args, 'items').map((item) => {
    const { action: name, args: given } = (item ?? {}) as Partial<StateItem>;
    return { action: typeof name === 'string' ? name : '', args: given ?? {} };
  });
  return [own, ...named];
}
