import {
  createPrefixIndex,
  desiredKey,
  formatPrefix,
  isSingle,
  parsePrefix,
  partOf,
  partsFor,
  type StateItem,
} from '@hauban/shared/actions';

/** What of an entry its nodes have to know. */
export interface ListedBan {
  readonly target: string;
  /** Unix ms; null: until lifted. */
  readonly until: number | null;
}

export const LIST_ACTION = 'firewall.set-list';

const endOf = (until: number | null): number => until ?? Number.POSITIVE_INFINITY;

/** Prefixes that lie in others of the list, with those others. */
function nested(entries: readonly ListedBan[]): readonly { readonly inner: ListedBan; readonly outer: ListedBan }[] {
  const known = new Map(entries.map((entry) => [entry.target, entry]));
  const nets = entries.flatMap(({ target }) => parsePrefix(target) ?? []).filter((prefix) => !isSingle(prefix));
  const index = createPrefixIndex(nets);
  return nets.flatMap((prefix) => {
    const around = index.around(prefix);
    const inner = known.get(formatPrefix(prefix));
    const outer = around === null ? undefined : known.get(formatPrefix(around));
    return inner === undefined || outer === undefined ? [] : [{ inner, outer }];
  });
}

/** Why the node's kernel could not hold these together; null: it can. */
export function whyNoList(entries: readonly ListedBan[]): string | null {
  const bad = nested(entries).find(({ inner, outer }) => endOf(inner.until) > endOf(outer.until));
  return bad === undefined
    ? null
    : `${bad.inner.target} lies in ${bad.outer.target}, which ends sooner: list ${bad.outer.target} for as long, or take it out.`;
}

/** The wishes of a pool that has this list; of an empty one the one that lifts what was banned. */
export function listWishes(list: string, entries: readonly ListedBan[]): ReadonlyMap<string, StateItem> {
  const covered = new Set(nested(entries).map(({ inner }) => inner.target));
  const kept = entries.filter(({ target }) => !covered.has(target));
  const parts = partsFor(kept.length);
  const groupsOf = Array.from({ length: parts }, () => new Map<number | null, string[]>());
  for (const { target, until } of kept) {
    const groups = groupsOf[partOf(target, parts)];
    const targets = groups?.get(until) ?? [];
    targets.push(target);
    groups?.set(until, targets);
  }
  const items = groupsOf.map((byEnd, part): StateItem => {
    const groups = [...byEnd]
      .toSorted(([a], [b]) => endOf(a) - endOf(b))
      .map(([until, targets]) => ({ ...(until === null ? {} : { until }), targets: targets.toSorted() }));
    return { action: LIST_ACTION, args: { list, part, parts, groups } };
  });
  return new Map(items.map((item) => [desiredKey(item), item]));
}
