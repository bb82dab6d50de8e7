import Type from 'typebox';
import type { Change } from '../change.ts';
import { defineAction, type ActionDefinition, type Planned, type Rehearsed, type Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { normaliseItems, programsOfItems, StateItem, type FindItemAction, type StateArgs } from './state-items.ts';

/** Items of one order: all of them are undone when one fails, so they are few. */
export const MOST_APPLIED = 20;

const Args = Type.Object(
  { items: Type.Array(StateItem, { minItems: 1, maxItems: MOST_APPLIED, title: 'Items' }) },
  { additionalProperties: false },
);

/** Items with their definitions; they were checked when the arguments were read. */
function defined({ items }: StateArgs, find: FindItemAction) {
  return items.map(({ action, args }, index) => {
    const definition = find(action);
    if (definition === undefined) throw new TypeError(`item ${index + 1} was not checked`);
    return { definition, args, where: `item ${index + 1}, ${action}` };
  });
}

async function planItems(host: Host, wished: StateArgs, find: FindItemAction): Promise<Planned> {
  const changes: Change[] = [];
  const notes = new Set<string>();
  for (const { definition, args, where } of defined(wished, find)) {
    const planned = await definition.plan(host, args);
    if (!planned.ok) return { ok: false, code: planned.code, detail: `${where}: ${planned.detail}` };
    changes.push(...planned.changes);
    for (const note of planned.notes) notes.add(note);
  }
  return { ok: true, changes, notes: [...notes] };
}

async function rehearseItems(
  host: Host,
  wished: StateArgs,
  changes: readonly Change[],
  find: FindItemAction,
): Promise<Rehearsed> {
  const notes = new Set<string>();
  for (const { definition, args, where } of defined(wished, find)) {
    const rehearsed = await definition.rehearse?.(host, args, changes);
    if (rehearsed?.ok === false) return { ...rehearsed, detail: `${where}: ${rehearsed.detail}` };
    for (const note of rehearsed?.notes ?? []) notes.add(note);
  }
  return { ok: true, notes: [...notes] };
}

async function verifyItems(
  host: Host,
  wished: StateArgs,
  changes: readonly Change[],
  find: FindItemAction,
): Promise<readonly Verified[]> {
  const all: Verified[] = [];
  for (const { definition, args, where } of defined(wished, find)) {
    const verified = await definition.verify(host, args, changes);
    const bad = verified.filter(({ ok }) => !ok).map((one) => ({ ...one, name: `${where}: ${one.name}` }));
    all.push(...(bad.length > 0 ? bad : [{ name: where, ok: true, saw: `${verified.length} checks hold` }]));
  }
  return all;
}

/** @param find actions that items may name */
export function createStateApply(find: FindItemAction): ActionDefinition {
  return defineAction({
    name: 'state.apply',
    version: 1,
    title: 'Put a wished state right',
    docs: `Does several actions as one: all of them, or none. Unlike each by itself it also replaces files of theirs that were changed by hand: that is what putting right means, and the plan shows it. The actions may not depend on each other's effect. The node's policy has to allow each of them. Undo brings back what was there, edits by hand included.`,
    risk: 'medium',
    roles: [],
    needsRoot: true,
    readOnly: false,
    args: Args,
    filledIn: [],
    timeoutMs: 1_800_000,
    programs: [],
    programsFor: (args) => programsOfItems(args, find),
    locks: (args) => [...new Set(defined(args, find).flatMap((item) => item.definition.locks(item.args)))].toSorted(),
    normalise: (args) => normaliseItems(args, find),
    plan: (host, args) => planItems({ ...host, putsRight: true }, args, find),
    rehearse: (host, args, changes) => rehearseItems({ ...host, putsRight: true }, args, changes, find),
    verify: (host, args, changes) => verifyItems(host, args, changes, find),
  });
}
